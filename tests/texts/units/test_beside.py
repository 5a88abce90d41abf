"""Two networks side by side, in words."""

from __future__ import annotations

import dataclasses

from mixer_viz.model import MixerConfig
from mixer_viz.texts.units import beside


def test_alike_networks_need_no_words(tiny_config: MixerConfig) -> None:
    config = dataclasses.replace(tiny_config, num_classes=2, class_names=("a", "b"))
    assert beside.what_compares("own", "other", config, config) == []
    deeper = dataclasses.replace(config, num_blocks=7)
    assert beside.what_compares("own", "other", config, deeper) == []
    assert beside.same_depth("other", 3, 2, 9, 7).startswith("other has 7 blocks instead of 2: its layer 9")
    assert beside.same_depth("other", 3, 2, 3, 2) == ""


def test_other_sizes_and_classes_are_told(tiny_config: MixerConfig) -> None:
    config = dataclasses.replace(tiny_config, num_classes=3, class_names=("a*", "b", "c"))
    side = 2 * config.patch_size * config.grid_shape[0]
    other = dataclasses.replace(config, image_size=side, num_classes=2, class_names=("a*", "x"))
    size, patches, classes = beside.what_compares("own", "other", config, other)
    assert f"other sees the picture in {side} px" in size
    assert "compared by their places" in patches
    assert classes.startswith("other chooses among 2 classes and own among 3; the same are: a&#42;.")
    none = dataclasses.replace(config, num_classes=1, class_names=("x",))
    assert "none of them the same" in beside.what_compares("own", "other", config, none)[0]
    nameless = dataclasses.replace(config, class_names=None)
    assert "cannot be compared by name" in beside.what_compares("own", "other", config, nameless)[0]


def test_answers_and_scores_of_both() -> None:
    assert beside.answers_compared("own", "other", "cat", "cat") == "Both networks answer **cat**."
    assert beside.answers_compared("own", "other", "cat", "dog") == "own answers **cat**, other **dog**."
    told = beside.scores_compared("own", "other", ("logit of cat", "logit of dog"), (1.25, -3.0))
    assert "In own the logit of cat is **+1.25**, in other the logit of dog is **-3**." in told
    assert "lengths cannot" in beside.filters_compared("own", "other", 8, 9, 4, 16)
