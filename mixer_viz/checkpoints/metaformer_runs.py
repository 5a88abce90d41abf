"""The trained networks of the comparison that come with the project: `assets/compared/*.safetensors` and one card.

The card, `compared.json`, is what `python -m mixer_viz.training.compare` writes: one entry per training run. Not every
run has its weights beside it: a second seed is there for its accuracy alone.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from mixer_viz.checkpoints import bundled
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.preparation import parse_json_object, read_side_file
from mixer_viz.language import mark, noted
from mixer_viz.model import TOKEN_MIXERS, MetaFormer
from mixer_viz.model.metaformer_config import PERMUTATIONS, TOKEN_MIXER_NAMES, Permutation, TokenMixerName

COMPARED = "compared"
CARD = "compared.json"

_NUMBERS = ("accuracy", "images_per_second", "seconds")
_WHOLE_NUMBERS = ("seed", "parameters", "multiply_adds", "channels_mlp_dim")
_TEXTS = ("name", "token_mixer", "permutation")
_NO_NUMBER = mark("The card {card} gives no number as {key!r} of a run; correct it.")
_NO_WHOLE_NUMBER = mark("The card {card} gives no whole number as {key!r} of a run; correct it.")
_NO_TEXT = mark("The card {card} gives no text as {key!r} of a run; correct it.")


@dataclasses.dataclass(frozen=True)
class MetaFormerRun:
    """One training run of one network, as its card tells it."""

    name: str  # "mlp-0", "mlp-pixels-0"
    token_mixer: TokenMixerName
    permutation: Permutation
    seed: int
    channels_mlp_dim: int  # D_C, chosen so that all networks have about as many parameters
    parameters: int
    multiply_adds: int  # per image
    accuracy: float  # top-1 in percent at the end, on the test images
    accuracies: tuple[float, ...]  # top-1 in percent after each epoch
    images_per_second: float  # in training, on the machine that the card names
    seconds: float
    path: Path | None  # the weights, where they are bundled


def metaformer_card() -> dict[str, Any]:
    """The whole card, with recipe and hardware; empty where there is none. Raises CheckpointError for no JSON."""
    path = bundled.ASSETS_DIR / COMPARED / CARD
    return parse_json_object(read_side_file(path)) if path.is_file() else {}


def metaformer_runs() -> list[MetaFormerRun]:
    """The runs in the card, in its order; empty where there is no card.

    Raises CheckpointError for a card with a wrong entry, or one that names a file that is not there.
    """
    entries = metaformer_card().get("runs", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CheckpointError(noted("The card {card} has no list of entries as 'runs'; correct it.", card=CARD))
    return [_run(entry) for entry in entries]


def _run(entry: dict[str, Any]) -> MetaFormerRun:
    values = {key: _value(entry, key, (int, float), _NO_NUMBER) for key in _NUMBERS}
    values |= {key: _value(entry, key, (int,), _NO_WHOLE_NUMBER) for key in _WHOLE_NUMBERS}
    values |= {key: _value(entry, key, (str,), _NO_TEXT) for key in _TEXTS}
    for key, choices in (("token_mixer", TOKEN_MIXER_NAMES), ("permutation", PERMUTATIONS)):
        if values[key] not in choices:
            raise CheckpointError(
                noted(
                    "The card {card} gives {value!r} as {key!r} of a run; correct it.",
                    card=CARD,
                    value=str(values[key])[:80],
                    key=key,
                )
            )
    accuracies = entry.get("accuracies")
    if not isinstance(accuracies, list) or not all(type(value) in (int, float) for value in accuracies):
        raise CheckpointError(
            noted("The card {card} gives no list of numbers as 'accuracies' of a run; correct it.", card=CARD)
        )
    return MetaFormerRun(**values, accuracies=tuple(accuracies), path=_weights(entry))


def _value(entry: dict[str, Any], key: str, kinds: tuple[type, ...], refusal: str) -> Any:
    value = entry.get(key)
    if type(value) not in kinds:
        raise CheckpointError(noted(refusal, card=CARD, key=key))
    return value


def _weights(entry: dict[str, Any]) -> Path | None:
    file, folder = entry.get("file"), bundled.ASSETS_DIR / COMPARED
    if file is None:
        return None
    # A bare name: the card is no way to other folders.
    if not isinstance(file, str) or Path(file).name != file or not (folder / file).is_file():
        raise CheckpointError(
            noted("The card {card} lists {file!r}, which is not beside it; correct it.", card=CARD, file=str(file)[:80])
        )
    return folder / file


@dataclasses.dataclass(frozen=True)
class TrainedMetaFormer:
    """One trained network of the comparison, under the title that the page gives it."""

    run: MetaFormerRun
    title: str
    network: MetaFormer

    @property
    def place(self) -> int:
        """Of its token mixer in the table, which decides how charts draw it."""
        return place_of(self.run.token_mixer)


def place_of(token_mixer: TokenMixerName) -> int:
    """Place of a token mixer in the table of all."""
    return list(TOKEN_MIXERS).index(token_mixer)
