"""The page "Token mixers compared" for print: colours, limits and values of the page, and every text."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixer_viz.figures.comparison.maps import jacobian_grids, matrix_grids, shared_limits
from mixer_viz.figures.comparison.print import draw_comparison
from mixer_viz.figures.photo import greyed
from mixer_viz.figures.theme import ACCENT
from mixer_viz.ui.widgets.downloads import figure_bytes

RANDOM = np.random.default_rng(0)
CROP = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
TOKEN = 6  # row 1, column 2 of a 4 x 4 grid
A4_INCHES = (8.27, 11.69)


def made(count: int, tokens: int = 16) -> list[np.ndarray]:
    values = np.random.default_rng(1).random((count, tokens, tokens)) ** 4
    return [*(values / values.sum(axis=2, keepdims=True))]


def printed(count: int = 7, **changes: object) -> Figure:
    given: dict[str, object] = {"titles": [f"mixer {at}" for at in range(count)], "matrices": made(count)}
    return draw_comparison(CROP, **(given | {"token": TOKEN, "caption": "block 3"} | changes))  # type: ignore[arg-type]


def by_place(figure: Figure) -> tuple[Axes, list[Axes], list[Axes]]:
    """The photo, the maps over it, and the matrices."""
    drawn = [axes for axes in figure.axes if axes.get_images()]
    maps = [axes for axes in drawn if len(axes.get_images()) == 2]
    (photo,) = [axes for axes in drawn if axes.get_title().startswith("picture")]
    return photo, maps, [axes for axes in drawn if axes is not photo and axes not in maps]


@pytest.mark.parametrize("count", [1, 3, 4, 7, 8])
def test_every_network_has_its_map_over_the_photo_and_its_matrix(count: int) -> None:
    matrices = made(count)
    figure = printed(count)
    assert (figure.get_figwidth() < A4_INCHES[0], count > 7 or figure.get_figheight() < A4_INCHES[1]) == (True, True)
    photo, maps, below = by_place(figure)
    assert np.array_equal(photo.get_images()[0].get_array(), CROP)
    assert len(maps) == len(below) == count
    for at, axes in enumerate(maps):
        grey, values = axes.get_images()
        assert np.array_equal(grey.get_array(), greyed(CROP))
        np.testing.assert_allclose(values.get_array().ravel(), 100 * matrices[at][TOKEN], rtol=1e-6)
        assert values.get_extent() == grey.get_extent()
        assert axes.get_title().startswith(f"mixer {at}\nitself")
    found = {axes.get_images()[0].get_array().tobytes() for axes in below}
    assert found == {(100 * matrix).astype(np.float32).tobytes() for matrix in matrices}
    assert figure.get_supxlabel() == "block 3"


def test_limits_and_colours_are_those_of_the_page() -> None:
    matrices = made(7)
    limits = shared_limits(matrices)
    on_page = matrix_grids(["a"] * 7, matrices) + jacobian_grids(CROP, ["a"], [matrices[0][0]], 0, limits=limits)
    figure = printed()
    _, maps, below = by_place(figure)
    drawn = [axes.get_images()[-1] for axes in maps + below]
    assert {image.get_clim() for image in drawn} == {limits} == {grid.limits for grid in on_page}
    assert {image.get_cmap().name for image in drawn} == {grid.scale.colour_map for grid in on_page}
    (scale,) = [axes for axes in figure.axes if axes.get_xlabel()]
    assert scale.get_xlabel().startswith(on_page[0].scale.label)
    assert tuple(scale.get_xticks()[[0, -1]]) == limits
    assert len(scale.patches) == 1  # a pointed end, as values lie beyond


def test_no_pointed_end_where_nothing_lies_beyond() -> None:
    figure = printed(1, matrices=[np.full((16, 16), 1 / 16)])
    (scale,) = [axes for axes in figure.axes if axes.get_xlabel()]
    assert len(scale.patches) == 0


def test_the_token_is_marked_in_every_picture() -> None:
    photo, maps, below = by_place(printed())
    for axes in (photo, *maps):
        (mark,) = axes.patches
        assert (mark.get_x(), mark.get_y(), mark.get_width(), mark.get_height()) == (3.5, 1.5, 2, 2)
    for axes in below:
        (line,) = axes.lines
        assert (line.get_ydata()[0], line.get_color()) == (TOKEN, ACCENT)


@pytest.mark.parametrize("tokens", [1, 4, 256])
@pytest.mark.parametrize("value", [0.0, np.nan, None])
def test_any_number_of_tokens_and_nothing_to_see(tokens: int, value: float | None) -> None:
    matrix = made(1, tokens)[0] if value is None else np.full((tokens, tokens), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure_bytes(printed(1, matrices=[matrix], token=tokens - 1), "png")


def test_nothing_given_is_changed_and_no_network_is_refused() -> None:
    matrices, before = made(2), made(2)
    crop = CROP.copy()
    figure_bytes(printed(2, matrices=matrices), "png")
    assert np.array_equal(crop, CROP)
    assert all(np.array_equal(matrix, old) for matrix, old in zip(matrices, before, strict=True))
    with pytest.raises(ValueError, match="no network"):
        printed(0)


def test_texts_do_not_overlap_below_long_names() -> None:
    figure = printed(7, titles=["a very long name of a token mixer, " * 3] * 7, caption="word " * 90)
    figure.draw_without_rendering()
    _, maps, below = by_place(figure)
    boxes = [axes.get_window_extent() for axes in maps + below]
    titles = [axes.title.get_window_extent() for axes in maps + below]
    for text in titles:
        assert not any(text.overlaps(box) for box in boxes)
        assert sum(text.overlaps(other) for other in titles) == 1  # itself
    assert min(box.width for box in boxes) > 1.5 * figure.dpi


@pytest.mark.parametrize("name", [r"a $\frac{$ b", "$x^2$", "<b>&", "x" * 300, ""])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_texts_are_text_and_no_formula(name: str, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(figure_bytes(printed(1, titles=[name], caption=name), kind)) > 3_000
