"""The unit atlas for print: every weight at its place, and the scale that the caption names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixer_viz.figures.theme import colourise
from mixer_viz.figures.token_mixing.maps import AtlasPart, part_scale
from mixer_viz.figures.token_mixing.print import COLUMNS, draw_atlas, tile_units
from mixer_viz.ui.widgets.downloads import figure_bytes

RANDOM = np.random.default_rng(0)
MAPS = RANDOM.normal(size=(7, 2, 3)).astype(np.float32)
ORDER = np.array([4, 0, 6, 5, 2, 1, 3])
GAP = 2


def made(part: str = "W₁", limit: float | None = None, maps: np.ndarray = MAPS, title: str = "made") -> AtlasPart:
    return AtlasPart(title, part, maps, ORDER, [f"unit {unit}" for unit in range(len(maps))], limit)


def tile_at(picture: np.ndarray, place: int, columns: int, zoom: int = 1) -> np.ndarray:
    row, column = divmod(place, columns)
    high, wide = 2 * zoom, 3 * zoom
    top, left = row * (high + GAP), column * (wide + GAP)
    return picture[top : top + high, left : left + wide]


@pytest.mark.parametrize("limit", [None, 2.0])
@pytest.mark.parametrize("zoom", [1, 3])
def test_each_unit_is_at_the_place_of_the_order(limit: float | None, zoom: int) -> None:
    before = MAPS.copy()
    picture = tile_units(made(limit=limit), columns=3, zoom=zoom)
    assert picture.shape == (3 * (2 * zoom + GAP) - GAP, 3 * (3 * zoom + GAP) - GAP, 3)
    for place, unit in enumerate(ORDER):
        share = MAPS[unit] / (limit or np.abs(MAPS[unit]).max())
        wanted = colourise(share, part_scale("W₁"), (-1.0, 1.0)).repeat(zoom, axis=0).repeat(zoom, axis=1)
        assert np.array_equal(tile_at(picture, place, 3, zoom), wanted)
    assert np.array_equal(MAPS, before)


def test_gaps_and_empty_places_are_white() -> None:
    picture = tile_units(made(), columns=3)
    assert (picture[2:4] == 255).all()
    assert (picture[:, 3:5] == 255).all()
    assert (picture[8:, 5:] == 255).all()  # two places of the last row are free


def test_strength_shows_on_one_scale_alone_and_a_zero_unit_is_neutral() -> None:
    stronger = MAPS * np.where(np.arange(7) == 4, 10, 1).astype(np.float32)[:, None, None]
    assert np.array_equal(tile_units(made(maps=stronger)), tile_units(made()))
    assert (tile_units(made(maps=stronger, limit=9.0)) != tile_units(made(limit=9.0))).any()
    stronger[4] = 0
    middle = colourise(np.zeros(1), part_scale("W₁"), (-1.0, 1.0))[0]
    assert (tile_at(tile_units(made(maps=stronger)), 0, 7) == middle).all()


def test_few_units_make_one_row_and_many_make_full_ones() -> None:
    assert tile_units(made()).shape[:2] == (2, 7 * 5 - GAP)
    many = np.ones((2 * COLUMNS + 1, 2, 3))
    wide = replace(made(maps=many), order=np.arange(len(many)))
    assert tile_units(wide).shape[:2] == (3 * 4 - GAP, COLUMNS * 5 - GAP)


def test_figure_has_each_atlas_with_its_title_and_the_limits_of_its_scale() -> None:
    figure = draw_atlas([made(limit=0.25, title="reads"), made("W₂", title="writes")], "a caption")
    assert [axes.get_title() for axes in figure.axes] == ["reads", "writes"]
    assert figure.get_supxlabel() == "a caption"
    bars = [axes.child_axes[0] for axes in figure.axes]
    assert [bar.images[0].get_extent()[:2] for bar in bars] == [[-0.25, 0.25], [-1.0, 1.0]]
    assert "W₁" in bars[0].get_xlabel()
    assert "each unit" in bars[1].get_xlabel()
    for axes, atlas in zip(figure.axes, (made(limit=0.25), made("W₂")), strict=True):
        assert np.array_equal(axes.images[0].get_array(), tile_units(atlas, zoom=4))


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figure_can_be_saved(kind: str, start: bytes) -> None:
    assert figure_bytes(draw_atlas([made()], "caption"), kind).startswith(start)


@pytest.mark.parametrize("name", ["$", r"a $\frac{$ b", r"$\bad$.pth", "under_score^2", "a" * 300])
def test_names_are_text_and_no_formula(name: str) -> None:
    """Title and caption hold the name of a visitor's file."""
    assert figure_bytes(draw_atlas([made(title=name)], name), "svg").startswith(b"<?xml")
