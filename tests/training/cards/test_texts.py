"""The cards that come with the project say for people what they say for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mixer_viz.checkpoints.bundled import ASSETS_DIR
from mixer_viz.training.cards import metaformer_text, mixer_text


@pytest.mark.parametrize(
    ("card", "card_text"),
    [("mixer_cifar10", mixer_text.card_text), ("compared/compared", metaformer_text.card_text)],
)
def test_a_card_of_an_earlier_version_reads_as_it_did(card: str, card_text: Callable[[dict[str, Any]], str]) -> None:
    facts = json.loads((ASSETS_DIR / f"{card}.json").read_text(encoding="utf-8"))
    assert card_text(facts) == (ASSETS_DIR / f"{card}.md").read_text(encoding="utf-8")
