"""The texts of the Attributions page on how far to trust a map."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mixer_viz.analysis.attribution.deletion import Curves
from mixer_viz.analysis.attribution.metrics import CONTROLS, NOISE_DRAWS, SHUFFLES, SanityChecks
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.language import mark, tr
from mixer_viz.texts import UNKNOWN
from mixer_viz.texts.attribution import print_caption, settings_of

_NOT_YET = mark("not yet")
_NO_PROOF = mark("Agreement is no proof: methods may share a mistake.")

METRICS = mark(
    "A map always looks like an explanation. These numbers ask whether it adds up, whether deleting what it names "
    "changes the answer, whether a little noise turns it over, and whether it depends on what the network has learned."
)
_ASK_FOR = {
    "Curves": mark("Work out curves of {maps}: about {time}"),
    "Checks": mark("Work out checks of {maps}: about {time}"),
}


def metrics_note() -> str:
    """How to read the table."""
    return tr(
        "Areas are those under the curves, beside the mean ± standard deviation of {orders} random orders. Noise: rank "
        "correlation of the patch map with those of {copies} copies of the picture, with noise of 2 % of its range; 1 "
        "is steady. Shuffled weights: rank correlation with maps of {networks} networks whose weights are in random "
        "order, signed and by magnitude (Adebayo et al. 2018); near 0 is what one hopes for, near 1 the map shows the "
        "picture and not what was learned. Few draws: read differences of 0.1 as nothing.",
        orders=CONTROLS,
        copies=NOISE_DRAWS,
        networks=SHUFFLES,
    )


# The header of the file, for the catalogues.
_COLUMNS = (
    *(mark("model"), mark("picture"), mark("class"), mark("against_class"), mark("method"), mark("target")),
    *(mark("against"), mark("baseline"), mark("seed"), mark("precision"), mark("parameters"), mark("score")),
    *(mark("baseline_score"), mark("total"), mark("expected"), mark("in_logits"), mark("gap")),
    *(mark("deletion_area"), mark("random_deletion_area"), mark("random_deletion_std")),
    *(mark("insertion_area"), mark("random_insertion_area"), mark("random_insertion_std"), mark("random_orders")),
    *(mark("noise_rank_correlation"), mark("shuffled_rank_correlation"), mark("shuffled_magnitude_correlation")),
    *(mark("forward_passes"), mark("backward_passes"), mark("seconds")),
)


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What is known by now about one map."""

    title: str  # in the language of whoever is looking
    result: Attribution
    curves: Curves | None
    checks: SanityChecks | None


def ask_for(name: str, titles: Sequence[str], seconds: float) -> str:
    """The words of the button that starts long "Curves" or "Checks"."""
    short = seconds < 100
    time = tr("{seconds:.0f} s", seconds=seconds) if short else tr("{minutes:.0f} min", minutes=seconds / 60)
    return tr(_ASK_FOR[name], maps=tr(", ").join(titles), time=time)


def full_house(waiting: int) -> str:
    """Why even quick checks wait for a button."""
    return tr(
        "Many people are here: {count} computations are in line, so the checks start only when you ask.", count=waiting
    )


def curves_note(name: str, against: str) -> str:
    """How to read the curves."""
    what = tr("Probability of {name}", name=name)
    if against:
        what = tr("Probability of {name} among {name} and {against} alone", name=name, against=against)
    return tr(
        "{what}, as patches go (left) or come (right) in the order of each map, the most positive first. Left, lower "
        "is better; right, higher is better; what counts is the distance from the grey band. Pictures with holes are "
        "unlike any that the network has learned from, so a fall may come from the seams.",
        what=what,
    )


def curves_in_words(rows: Sequence[Metrics]) -> str:
    """The text alternative of the curves."""
    return " ".join(
        tr(
            "{title}: deletion area {deletion:.2f}, insertion area {insertion:.2f}.",
            title=row.title,
            deletion=row.curves.deletion_area,
            insertion=row.curves.insertion_area,
        )
        for row in rows
        if row.curves is not None
    )


def metrics_table(rows: Sequence[Metrics]) -> dict[str, list[str]]:
    """One column per map, one row per measure."""
    table = {
        tr("measure"): [
            tr("sum of all values"),
            tr("should be"),
            tr("gap"),
            tr("deletion area (lower is better)"),
            tr("deletion area of random orders"),
            tr("insertion area (higher is better)"),
            tr("insertion area of random orders"),
            tr("steady under noise"),
            tr("with shuffled weights, signed"),
            tr("with shuffled weights, magnitude"),
            tr("passes forward, backward"),
            tr("seconds"),
        ]
    }
    for row in rows:
        title = row.title
        while title in table:
            title += " "
        table[title] = [*_sums(row.result), *_areas(row.curves), *_steadiness(row.checks), *_costs(row.result)]
    return table


def _sums(result: Attribution) -> list[str]:
    if not result.in_logits:
        return [tr("not in logits"), tr("no rule"), UNKNOWN]
    if result.expected is None or result.completeness_gap is None or result.relative_gap is None:
        return [f"{result.total:+.4f}", tr("no rule"), UNKNOWN]
    gap = f"{result.completeness_gap:.1e}"
    if np.isfinite(result.relative_gap):
        gap = tr("{gap} ({share:.1f} %)", gap=gap, share=100 * result.relative_gap)
    return [f"{result.total:+.4f}", f"{result.expected:+.4f}", gap]


def _areas(curves: Curves | None) -> list[str]:
    if curves is None:
        return [tr(_NOT_YET)] * 4
    deleted, inserted = curves.random_deletion_areas, curves.random_insertion_areas
    return [
        f"{curves.deletion_area:.3f}",
        f"{deleted.mean():.3f} ± {deleted.std():.3f}",
        f"{curves.insertion_area:.3f}",
        f"{inserted.mean():.3f} ± {inserted.std():.3f}",
    ]


def _steadiness(checks: SanityChecks | None) -> list[str]:
    if checks is None:
        return [tr(_NOT_YET)] * 3
    return [tr("no order") if np.isnan(check).all() else f"{np.nanmean(check):+.2f}" for check in _checks(checks)]


def _checks(checks: SanityChecks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlations of all draws: under noise, with shuffled weights signed and by magnitude."""
    randomised = checks.randomised
    return checks.noise.rank_correlations, randomised.rank_correlations, randomised.magnitude_correlations


def _costs(result: Attribution) -> list[str]:
    return [f"{result.forward_passes:,}, {result.backward_passes:,}", f"{result.seconds:.2f}"]


def agreement_sentence(matrix: np.ndarray, names: Sequence[str]) -> str:
    """Which two maps agree most and least; (M, M) rank correlations with M at least 2."""
    pairs = [
        (float(matrix[i, j]), names[i], names[j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if np.isfinite(matrix[i, j])
    ]
    if not pairs:
        return tr("No two of these maps can be compared: a constant map has no order.")
    if len(pairs) == 1:
        value, first, second = pairs[0]
        return tr(
            "**{first}** and **{second}** have a rank correlation of {value:+.2f}. {no_proof}",
            first=first,
            second=second,
            value=value,
            no_proof=tr(_NO_PROOF),
        )
    most, least = max(pairs), min(pairs)
    return tr(
        "**{most_first}** and **{most_second}** agree most (rank correlation {most:+.2f}), **{least_first}** and "
        "**{least_second}** least ({least:+.2f}). {no_proof}",
        most=most[0],
        most_first=most[1],
        most_second=most[2],
        least=least[0],
        least_first=least[1],
        least_second=least[2],
        no_proof=tr(_NO_PROOF),
    )


def metrics_rows(rows: Sequence[Metrics], about: Mapping[str, str]) -> tuple[list[str], list[list[Any]]]:
    """The quality table for a file: one line per map, numbers in full; empty where not measured.

    Args:
        about: what all lines have in common, such as the model's name.
    """
    lines = []
    for row in rows:
        settings = settings_of(row.result)
        settings["parameters"] = print_caption(row.result)
        lines.append(
            dict(about)
            | settings
            | {"gap": row.result.completeness_gap}
            | _curve_numbers(row.curves)
            | _check_numbers(row.checks)
            | {
                "forward_passes": row.result.forward_passes,
                "backward_passes": row.result.backward_passes,
                "seconds": row.result.seconds,
            }
        )
    return [tr(name) for name in lines[0]], [list(line.values()) for line in lines]


def _curve_numbers(curves: Curves | None) -> dict[str, float | None]:
    names = (
        *("deletion_area", "random_deletion_area", "random_deletion_std"),
        *("insertion_area", "random_insertion_area", "random_insertion_std", "random_orders"),
    )
    if curves is None:
        return dict.fromkeys(names)
    deleted, inserted = curves.random_deletion_areas, curves.random_insertion_areas
    numbers = (
        *(curves.deletion_area, float(deleted.mean()), float(deleted.std())),
        *(curves.insertion_area, float(inserted.mean()), float(inserted.std()), deleted.size),
    )
    return dict(zip(names, numbers, strict=True))


def _check_numbers(checks: SanityChecks | None) -> dict[str, float | None]:
    names = ("noise_rank_correlation", "shuffled_rank_correlation", "shuffled_magnitude_correlation")
    if checks is None:
        return dict.fromkeys(names)
    return {name: float(check.mean()) for name, check in zip(names, _checks(checks), strict=True)}
