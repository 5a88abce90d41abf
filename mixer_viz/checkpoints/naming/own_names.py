"""A file's tensors -> those of its Mixer, under our own names; what lies beside them is named and left out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable

from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.naming.architectures import check_no_other, unknown_architecture
from mixer_viz.checkpoints.naming.families import FAMILIES, Family
from mixer_viz.checkpoints.naming.prefixes import choose_prefix, prefixes_of
from mixer_viz.language import noted
from mixer_viz.model.wording import few, shown

# What training scripts keep at the level of the network's own parts, and no Mixer has: the first word of a name.
_BESIDE = re.compile(
    r"^(?:criterion|loss|optim|scaler|ema|data_preprocessor|pixel_)|metrics?$|acc(?:uracy)?$|scheduler|rng|"
    r"^(?:step|epoch|mean|std|normali[sz]er?)$"
)
_WRAPPER = re.compile(r"^(?:module\.|_orig_mod\.|model\.)+")  # of DataParallel and torch.compile
_ROOT_OF = re.compile(r"^(?:stem|blocks|norm|head)\.")


@dataclasses.dataclass(frozen=True)
class OwnNames:
    """The tensors of one Mixer under the keys of `MlpMixer`, not copied, and what their family of names says."""

    tensors: dict[str, Tensor]
    family: Family
    remarks: tuple[str, ...]  # sentences for people: what was chosen, and what was left out


def to_own_names(tensors: dict[str, Tensor]) -> OwnNames:
    """Find the Mixer among a file's tensors, and rename (and for flax, transpose) its own.

    Raises CheckpointError, which tells what else the file seems to hold, when there is no Mixer, or more than one.
    """
    tensors = with_dots(tensors)
    family, prefixes = _find(tensors)
    prefix, choice = choose_prefix(prefixes)
    others = tuple(other for other in prefixes if len(other) > len(prefix))
    inside = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix) and not name.startswith(others)
    }
    beside = [name for name in tensors if not name.startswith(tuple(prefixes))]
    _check_one_network(inside)
    named = family.own_names(inside)
    if any(name.endswith("cls_token") for name in named.values()):
        raise CheckpointError(
            noted(
                "These weights are a Mixer with a class token, which the paper's Mixer does not have (it takes the "
                "mean over all tokens); choose one that was trained without it."
            )
        )
    check_no_other(inside)
    ignored = {name: None for name, ours in named.items() if not _ROOT_OF.match(ours) and _is_beside(name)}
    renamed = _renamed({name: value for name, value in inside.items() if name not in ignored}, named.__getitem__)
    converted = {name: family.convert(name, value) for name, value in renamed.items()}
    remark = _ignored_remark([*beside, *ignored])
    return OwnNames(converted, family, tuple(sentence for sentence in (choice, remark) if sentence))


def _is_beside(name: str) -> bool:
    return bool(_BESIDE.search(name.split(".")[0]))


def with_dots(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """flax joins names by slashes, torch by dots: all with dots."""
    return _renamed(tensors, lambda name: name.replace("/", "."))


def _find(names: Iterable[str]) -> tuple[Family, list[str]]:
    """The family of the names, and the prefixes of all its networks."""
    names = list(names)
    for family in FAMILIES:
        prefixes = prefixes_of(names, family.marker)
        if prefixes:
            return family, prefixes
    raise unknown_architecture(names)


def _check_one_network(names: Iterable[str]) -> None:
    names = list(names)
    if len({_WRAPPER.sub("", name) for name in names}) < len(names):
        raise CheckpointError(
            noted(
                "Several tensors in this file have the same name once wrapper prefixes are removed; "
                "save the state dict of one model only."
            )
        )


def _ignored_remark(names: list[str]) -> str:
    """One sentence on the tensors that are left out: by name, or by what they lie under where that holds several."""
    tops: dict[str, list[str]] = {}
    for name in names:
        tops.setdefault(name.split(".")[0], []).append(name)
    if not tops:
        return ""
    listed = [shown(inside[0] if len(inside) == 1 else top, 40) for top, inside in tops.items()]
    return noted("Not a part of the network and ignored: {names}.", names=few(listed))


def _renamed(tensors: dict[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    renamed = {rename(name): value for name, value in tensors.items()}
    if len(renamed) < len(tensors):
        raise CheckpointError(
            noted(
                "Several tensors in this file have the same name in this project's naming; "
                "save the state dict of one model only."
            )
        )
    return renamed
