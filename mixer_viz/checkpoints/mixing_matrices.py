"""The token-mixing matrices of ResMLP and gMLP files, relatives of the Mixer that mix tokens by one matrix per block.

| network                            | tokens are mixed by         | tensors in timm's naming             |
|------------------------------------|-----------------------------|--------------------------------------|
| ResMLP, arXiv 2105.03404           | x + ls1 * (A norm1(x) + a)  | blocks.i.linear_tokens.weight, .bias |
| gMLP, arXiv 2105.08050             | u * (A norm(v) + a), a gate | blocks.i.mlp_channels.gate.proj.*    |

Only these matrices are read; the networks themselves are not built. Meta's own ResMLP files call theirs `attn`.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mixer_viz.checkpoints.build import to_float32
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.formats.uploads import uploaded_file
from mixer_viz.checkpoints.naming.own_names import to_own_names, with_dots
from mixer_viz.checkpoints.naming.prefixes import choose_prefix, prefixes_of
from mixer_viz.language import noted

MatrixKind = Literal["ResMLP", "gMLP"]

MAX_NAME_LENGTH = 100
MAX_NUM_BLOCKS = 256  # more than a Mixer may have: only one matrix is shown at a time

_NAMES: tuple[tuple[MatrixKind, str], ...] = (
    ("ResMLP", r"blocks\.(\d{1,9})\.(?:linear_tokens|attn)\."),
    ("gMLP", r"blocks\.(\d{1,9})\.mlp_channels\.gate\.proj\."),
)


@dataclasses.dataclass(frozen=True)
class MixingMatrices:
    """One matrix over S tokens for each of L blocks; which grid the tokens form is not in the file."""

    kind: MatrixKind
    matrices: np.ndarray  # (L, S, S) float32, [block, written token, read token]
    biases: np.ndarray  # (L, S) float32, one per written token
    name: str  # of the file, without its ending


def read_mixing_matrices(path: Path) -> MixingMatrices:
    """The matrices in a `.safetensors`, `.npz`, `.pt` or `.pth` file.

    Raises CheckpointError, one sentence for the user, when the file cannot be read safely, is of another architecture,
    or its matrices do not fit together.
    """
    return _matrices_of(read_weights(path).tensors, path.stem)


def read_mixing_matrices_bytes(data: bytes, filename: str) -> MixingMatrices:
    """The matrices in an uploaded file, as `read_mixing_matrices` from a path; `filename` tells format and name."""
    with uploaded_file(data, filename) as path:
        return _matrices_of(read_weights(path).tensors, Path(filename).stem)


def _matrices_of(tensors: dict[str, Tensor], name: str) -> MixingMatrices:
    tensors = with_dots(tensors)
    for kind, pattern in _NAMES:
        if prefixes := prefixes_of(tensors, pattern + "weight$"):
            prefix, _ = choose_prefix(prefixes)
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            matrices = _by_block(tensors, pattern + "weight")
            _check_blocks(matrices, kind)
            biases = _by_block(tensors, pattern + "bias")
            _check_shapes(matrices, biases)
            return MixingMatrices(kind, _stacked(matrices), _stacked(biases), name[:MAX_NAME_LENGTH])
    raise _other_architecture(tensors)


def _by_block(tensors: dict[str, Tensor], pattern: str) -> dict[int, tuple[str, Tensor]]:
    """Name and tensor of each block that has one, by block."""
    matches = ((re.fullmatch(pattern, name), name) for name in tensors)
    return {int(match[1]): (name, tensors[name]) for match, name in matches if match}


def _check_blocks(matrices: dict[int, tuple[str, Tensor]], kind: MatrixKind) -> None:
    if len(matrices) > MAX_NUM_BLOCKS:
        raise CheckpointError(
            noted(
                "This {kind} has {count} blocks, but at most {most} are accepted; choose a smaller one.",
                kind=kind,
                count=len(matrices),
                most=MAX_NUM_BLOCKS,
            )
        )
    missing = next(block for block in range(len(matrices) + 1) if block not in matrices)
    if missing < len(matrices):
        raise CheckpointError(
            noted(
                "The token-mixing matrix of block {missing} is missing, although the weights go up to block "
                "{last}; export the whole model again.",
                missing=missing,
                last=max(matrices),
            )
        )


def _check_shapes(matrices: dict[int, tuple[str, Tensor]], biases: dict[int, tuple[str, Tensor]]) -> None:
    tokens = matrices[0][1].shape[0] if matrices[0][1].ndim else 0
    for block, (name, matrix) in matrices.items():
        if tuple(matrix.shape) != (tokens, tokens) or not tokens:
            raise CheckpointError(
                noted(
                    "{name} has shape {shape}, but one square matrix of the same size is needed in every "
                    "block; this file mixes two models or is of another architecture.",
                    name=name,
                    shape=tuple(matrix.shape),
                )
            )
        if block not in biases or tuple(biases[block][1].shape) != (tokens,):
            shape = tuple(biases[block][1].shape) if block in biases else ()
            found = noted("shape {shape}", shape=shape) if block in biases else noted("none")
            raise CheckpointError(
                noted(
                    "{name} needs a bias of {tokens} numbers, but there is {found}; export the whole model again.",
                    name=name,
                    tokens=tokens,
                    found=found,
                )
            )


def _stacked(by_block: dict[int, tuple[str, Tensor]]) -> np.ndarray:  # (L, ...) float32, block 0 first
    return torch.stack([to_float32(*by_block[block]) for block in range(len(by_block))]).numpy()


def _other_architecture(tensors: dict[str, Tensor]) -> CheckpointError:
    try:
        to_own_names(tensors)
    except CheckpointError as exc:
        error = CheckpointError(
            noted("This file has no token-mixing matrix of a ResMLP or a gMLP; choose one of these in timm's naming.")
        )
        error.__cause__ = exc
        return error
    return CheckpointError(
        noted(
            "This is an MLP-Mixer, whose token mixing is two matrices with a GELU between them; open it as a model "
            "instead."
        )
    )
