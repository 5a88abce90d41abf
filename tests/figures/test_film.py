"""The curves of a finished training."""

from __future__ import annotations

import numpy as np
import pytest

from mixer_viz.figures.film import film_chart
from mixer_viz.figures.wrapping import width_of
from mixer_viz.language import LANGUAGES, speaking


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_stand_beside_each_other_on_a_phone(language: str) -> None:
    """Three charts share 360 px, and a letter of the titles takes 6 to 7."""
    curve = np.linspace(0, 1, 4)
    with speaking(language):
        figure = film_chart(["a", "b", "c", "d"], curve, curve, curve, [0])
    titles = [each.text.split("<br>") for each in figure.layout.annotations]
    assert len(titles) == 3
    assert max(width_of(line) for lines in titles for line in lines) <= 16
    assert max(map(len, titles)) <= 3  # what the margin above has room for
