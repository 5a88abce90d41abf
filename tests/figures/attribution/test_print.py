"""The Attributions page for print: the same colours and limits as on the page, and every text."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mixer_viz.figures.attribution.maps import MapPicture, map_grids
from mixer_viz.figures.attribution.print import draw_attributions
from mixer_viz.figures.photo import greyed
from mixer_viz.ui.widgets.downloads import figure_bytes

RANDOM = np.random.default_rng(0)
GRID, SIDE = 4, 12
CROP = RANDOM.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
PICTURES = [
    MapPicture("Occlusion", "sum +1.00", RANDOM.normal(size=(SIDE, SIDE)), True),
    MapPicture("Gradient", "", 50 * RANDOM.normal(size=(SIDE, SIDE)), False),
    MapPicture("DeepLIFT", "sum −2.00", 3 * RANDOM.normal(size=(SIDE, SIDE)), True),
    MapPicture("Grad-CAM", "block 8", RANDOM.normal(size=(GRID, GRID)), False),
]
A4_INCHES = 8.27


def printed(pictures: list[MapPicture] = PICTURES, **changes: object) -> Figure:
    given: dict[str, object] = {"shared": False, "positive": False, "caption": "made, picture: Cat", "grid_size": GRID}
    captions = [f"caption of {picture.title}" for picture in pictures]
    return draw_attributions(CROP, pictures, **({"captions": captions} | given | changes))  # type: ignore[arg-type]


def map_axes(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if len(axes.get_images()) == 2]


def scale_below(axes: Axes) -> Axes:
    (scale,) = axes.child_axes
    return scale


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_photo_comes_first_then_each_map_over_the_grey_photo(count: int) -> None:
    figure = printed(PICTURES[:count])
    assert figure.get_figwidth() < A4_INCHES
    photo, *drawn = [axes for axes in figure.axes if axes.get_images()]
    assert np.array_equal(photo.get_images()[0].get_array(), CROP)
    assert len(drawn) == count
    for axes, picture in zip(drawn, PICTURES, strict=False):
        grey, values = axes.get_images()
        assert np.array_equal(grey.get_array(), greyed(CROP))
        assert np.array_equal(values.get_array(), picture.values.astype(np.float32))
        assert values.get_extent() == grey.get_extent()
        assert axes.get_title() == f"{picture.title}\n{picture.note}"
        assert [text.get_text() for text in axes.texts] == [f"caption of {picture.title}"]
    assert figure.get_supxlabel() == "made, picture: Cat"


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_colours_and_limits_are_those_of_the_page(shared: bool, positive: bool) -> None:
    on_page = map_grids(CROP, PICTURES, grid_size=GRID, shared=shared, positive=positive)
    for axes, grid in zip(map_axes(printed(shared=shared, positive=positive)), on_page, strict=True):
        values = axes.get_images()[1]
        assert values.get_clim() == grid.limits
        assert values.get_cmap().name == grid.scale.colour_map
        assert values.get_alpha() == grid.opacity
        scale = scale_below(axes)
        assert scale.get_xlabel() == grid.scale.label
        assert tuple(scale.get_xticks()[[0, -1]]) == grid.limits
        assert len(scale.get_xticks()) == (2 if positive else 3)
        assert np.allclose(scale.get_xlim(), grid.limits)


def test_pointed_ends_of_a_scale_are_where_values_lie_beyond_it() -> None:
    made = MapPicture("", "", np.array([[-1.0, 0.1], [0.3, 1.0]]), True)
    (closed,) = map_axes(printed([made], grid_size=2))
    (open_below,) = map_axes(printed([made], grid_size=2, positive=True))
    assert len(scale_below(closed).patches) == 0
    (end,) = scale_below(open_below).patches
    assert end.get_path().vertices[:, 0].max() <= 0  # left of the scale
    on_page = [sum(grid.payload()["beyond"]) for grid in map_grids(CROP, PICTURES, grid_size=GRID)]
    assert [len(scale_below(each).patches) for each in map_axes(printed())] == on_page
    assert on_page[3] == 0 < min(on_page[:3])


def test_opacity_is_the_callers() -> None:
    assert {axes.get_images()[1].get_alpha() for axes in map_axes(printed(opacity=0.4))} == {0.4}


def test_a_map_of_zeros_is_drawn_and_nothing_given_is_changed() -> None:
    zeros = [MapPicture("zero", "", np.zeros((SIDE, SIDE)), True)]
    assert map_axes(printed(zeros))[0].get_images()[1].get_clim() == (-1.0, 1.0)
    before, values = CROP.copy(), [picture.values.copy() for picture in PICTURES]
    figure_bytes(printed(positive=True), "png")
    assert np.array_equal(CROP, before)
    assert all(np.array_equal(picture.values, old) for picture, old in zip(PICTURES, values, strict=True))


@pytest.mark.parametrize("count", [0, 5])
def test_one_to_four_maps_can_be_printed(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} maps are not between 1 and 4"):
        printed(PICTURES[:1] * count)
    with pytest.raises(ValueError, match="shorter"):
        printed(PICTURES[:2], captions=["one alone"])


def test_pictures_stay_large_and_apart_below_long_captions() -> None:
    long = "word " * 60
    for count in (1, 2, 3, 4):
        figure = printed(PICTURES[:count], captions=[long] * count, caption=long * 3)
        figure.draw_without_rendering()
        boxes = [axes.get_window_extent() for axes in figure.axes if axes.get_images()]
        assert min(box.width for box in boxes) > 2.1 * figure.dpi
        (below,) = figure.texts
        texts = [axes.texts[0].get_window_extent() for axes in map_axes(figure)]
        for text in texts:
            assert text.y0 > below.get_window_extent().y1
            assert not any(text.overlaps(box) for box in boxes)
            assert sum(text.overlaps(other) for other in texts) == 1  # itself


@pytest.mark.parametrize("name", [r"a $\frac{$ b", "$x^2$", "<b>&", "word " * 40, "x" * 300, ""])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_texts_are_text_and_no_formula(name: str, kind: str) -> None:
    pictures = [MapPicture(name, name, PICTURES[0].values, True)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(figure_bytes(printed(pictures, captions=[name], caption=name), kind)) > 5_000
