"""Where in a file the network is: the prefix before the names of all its tensors, found by its blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted, noted_list
from mixer_viz.model.wording import shown

# Averages over the training, which timm's loader takes before the raw weights, in this order.
_AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema_model", "ema")
# Where training scripts keep the weights of the one model they train.
_KNOWN = ("", "state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "target", "weights")
# What an optimiser keeps for every weight, under the weights' names.
_OF_AN_OPTIMISER = re.compile(r"(?:^|[./])(?:opt_state|mu|nu|exp_avg(?:_sq)?|momentum(?:_buffer)?|param_states)[./]")
_MODULE = re.compile(r"(?:^|\.)(?:module|_orig_mod)(?=\.|$)")


def prefixes_of(names: Iterable[str], marker: str) -> list[str]:
    """The prefixes, "" or ending in a dot, under which names match `marker`, in the order of the file."""
    pattern = re.compile(rf"(?:^|\.)({marker})")
    found = (name[: match.start(1)] for name in names if (match := pattern.search(name)))
    return [prefix for prefix in dict.fromkeys(found) if not _OF_AN_OPTIMISER.search(prefix)]


def choose_prefix(prefixes: list[str]) -> tuple[str, str]:
    """The network to show among several, and a sentence on the choice where there was one (else empty).

    Averaged weights (EMA) go before raw ones, as in timm's loader. Raises CheckpointError where nothing tells which of
    several networks is meant.
    """
    if len(prefixes) == 1:
        return prefixes[0], _averaged_alone(prefixes[0])
    for key in _AVERAGED:
        found = [prefix for prefix in prefixes if key in prefix.split(".")]
        if len(found) == 1:
            return found[0], noted(
                "The file holds the weights several times; those under {key} are shown, averaged over the "
                "training (EMA), as timm's loader takes them.",
                key=shown(key),
            )
    for key in _KNOWN:
        found = [prefix for prefix in prefixes if _MODULE.sub("", prefix).strip(".") == key]
        if len(found) == 1:
            return found[0], noted(
                "The file holds several networks; the one under {key} is shown.", key=shown(found[0])
            )
    listed = noted_list(shown(prefix.rstrip("."), 40) for prefix in prefixes[:4])
    raise CheckpointError(
        noted(
            "This file holds several networks ({listed}) and does not say which is meant; save the state dict of one.",
            listed=listed,
        )
    )


def _averaged_alone(prefix: str) -> str:
    if not any(key in prefix.split(".") for key in _AVERAGED):
        return ""
    return noted("The weights, under {key}, are averages over the training (EMA).", key=shown(prefix.rstrip("."), 40))
