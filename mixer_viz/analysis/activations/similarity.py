"""How alike the tokens become, and how alike the layers are: cosines between tokens, linear CKA between stages."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from mixer_viz.analysis.arrays import cosine, one_image, to_double, unit_length
from mixer_viz.analysis.frames import frame
from mixer_viz.analysis.ranges import check_stage
from mixer_viz.model import Trace
from mixer_viz.model.trace import Stage, stages_of, streams_of


@dataclasses.dataclass(frozen=True)
class TokenDrift:
    """How far the S tokens of one image point the same way at each of T stages; cosines, -1 to 1."""

    stages: tuple[Stage, ...]  # T
    mean_similarity: np.ndarray  # (T,) float64, mean cosine between two different tokens; nan for a single token
    to_mean: np.ndarray  # (T, S) float64, cosine of each token to the mean token; 0 where either is zero

    def to_frame(self) -> Any:
        """A pandas table: stage, name, mean_similarity, mean of the cosines to the mean token."""
        names, to_mean = [stage.name for stage in self.stages], self.to_mean.mean(axis=1)
        columns = {"mean_similarity": self.mean_similarity, "to_mean": to_mean}
        return frame({"stage": range(len(names)), "name": names, **columns})


def token_similarity(trace: Trace, stage: int) -> np.ndarray:
    """Cosine between all pairs of tokens at one stage: (S, S) float64, -1 to 1; 0 for a zero token, also with itself.

    Raises ValueError for a stage that is not there, or a trace of several images.
    """
    check_stage(trace.config, stage)
    directions = unit_length(to_double(one_image(streams_of(trace)[stage])))
    clipped: np.ndarray = np.clip(directions @ directions.T, -1, 1)
    return clipped


def token_drift(trace: Trace) -> TokenDrift:
    """Mean similarity of the tokens and their cosines to the mean token, at every stage.

    1 at both says that all tokens have become one vector but for its length. Raises ValueError for a trace of several
    images.
    """
    similarities, to_mean = [], []
    for stream in streams_of(trace):
        tokens = to_double(one_image(stream))
        similarities.append(_mean_off_diagonal(unit_length(tokens)))
        to_mean.append(cosine(tokens, tokens.mean(axis=0)))
    return TokenDrift(stages_of(trace.config), np.array(similarities), np.stack(to_mean))


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Linear CKA of two sets of vectors of the same n examples, (n, p) and (n, q): 0 to 1; nan if either is constant.

    Kornblith et al. 2019 ("Similarity of Neural Network Representations Revisited", arXiv 1905.00414, section 3), with
    each feature centred over the examples: |Y^T X|^2 / (|X^T X| |Y^T Y|), Frobenius norms. It does not change when a
    side is turned, mirrored, moved or scaled as a whole. With few examples it is not near 0 for unrelated vectors:
    independent random ones have about 1 / sqrt((1 + n / p) (1 + n / q)), 0.67 for n = 64 and p = q = 128.

    Raises ValueError when the numbers of examples differ.
    """
    return float(_cka(_gram_directions([first]), _gram_directions([second]))[0, 0])


def cka_between_stages(first: Trace, second: Trace | None = None) -> np.ndarray:
    """Linear CKA between all stages of one trace, or of two: (T, T) or (T1, T2) float64; see `linear_cka`.

    The tokens are the examples, so it compares which patches go together: a token of one side is paired with the token
    at the same place of the other. Two traces are two images of one model, or two models with the same S; channels and
    depth may differ. nan for a stage at which all tokens are equal. Raises ValueError when S differs, or for a trace of
    several images.
    """
    rows = _stage_directions(first)
    return _cka(rows, rows if second is None else _stage_directions(second))


def permuted_cka(first: Trace, second: Trace | None = None) -> np.ndarray:
    """What `cka_between_stages` would be on average with one side's tokens in random order: (T, T) or (T1, T2) float64.

    What is left when it no longer matters which patch is which: CKA below or near it says nothing. Over all orders the
    mean of the scalar product of two centred Gram matrices is tr(K) tr(L) / (S - 1), so nothing is drawn. nan where a
    stage is constant, and for a single token. Raises ValueError as `cka_between_stages` does.
    """
    rows = _stage_directions(first)
    columns = rows if second is None else _stage_directions(second)
    undefined = np.isnan(_cka(rows, columns))
    count = math.isqrt(rows.shape[1])
    traces = [side[:, :: count + 1].sum(axis=1) for side in (rows, columns)]
    return np.where(undefined, np.nan, np.outer(*traces) / (count - 1 or math.nan))


def _stage_directions(trace: Trace) -> np.ndarray:  # (T, S * S)
    return _gram_directions([to_double(one_image(stream)) for stream in streams_of(trace)])


def _gram_directions(sets: list[np.ndarray]) -> np.ndarray:
    """Gram matrix of each centred (n, p), flat and of length 1: (T, n * n); zeros where the examples are all equal.

    |Y^T X|^2 is the scalar product of the two Gram matrices X X^T and Y Y^T, so CKA is the cosine between them.
    """
    directions = []
    for vectors in sets:
        centred = vectors - vectors.mean(axis=0)
        # Relative to the vectors before centring: equal ones leave nothing but the rounding of float32 behind.
        rounding = max(vectors.shape) * np.finfo(np.float32).eps * np.linalg.norm(vectors)
        constant = np.linalg.norm(centred) <= rounding
        gram = (centred @ centred.T).ravel()
        directions.append(np.zeros_like(gram) if constant else unit_length(gram))
    return np.stack(directions)


def _cka(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    if rows.shape[1] != columns.shape[1]:
        sizes = [math.isqrt(side.shape[1]) for side in (rows, columns)]
        raise ValueError(f"both sides need the same number of tokens, got {sizes[0]} and {sizes[1]}")
    defined = np.outer(rows.any(axis=1), columns.any(axis=1))
    return np.where(defined, np.clip(rows @ columns.T, 0, 1), np.nan)


def _mean_off_diagonal(directions: np.ndarray) -> float:
    """Mean cosine over all pairs of two different rows of (S, C), each of length 1 or 0."""
    count = len(directions)
    if count == 1:
        return float("nan")
    # The sum over all pairs is the squared length of the sum; a row with itself gives 1, or 0 if it is zero.
    total = float((directions.sum(axis=0) ** 2).sum()) - float((directions**2).sum())
    return min(max(total / (count * (count - 1)), -1.0), 1.0)
