"""The card of the compared networks for people: what the JSON card says, as text."""

from __future__ import annotations

from typing import Any

_TEMPLATE = """\
# Networks compared

Small networks for 32 x 32 images that differ in nothing but what mixes the tokens, trained alike on CIFAR-10. D_C is
chosen so that all have about as many parameters. `compared.json` is the same card for programs.

| | |
|--|--|
| accuracy | {accuracy_note}; CIFAR-10 as JPEG copies of quality 75, for training and testing alike |
| trained on | {hardware} |
| files | half precision; one for each network's first seed |

## Runs

| network | pictures | seed | D_C | parameters | multiply-adds | accuracy, % | training, s |
|--|--|--|--|--|--|--|--|
{runs}

The test images were measured after every epoch; what is shipped is the last epoch's average of the weights. One or two
seeds show hardly any spread. So short a training favours networks that know from the start which patches are
neighbours; it says little about long trainings or large pictures.

## Recipe

    python -m mixer_viz.training.compare --data DIR --out OUT --seeds {seeds} --epochs {epochs} --precision {precision}

trains all of them; with `--export assets/compared` it writes these files. Runs that are not in the table above were
not trained. Settings that all share:

| setting | value |
|--|--|
{recipe}
"""


def card_text(card: dict[str, Any]) -> str:
    """Markdown from the JSON card that `compare_results.export` writes."""
    runs, recipe = card["runs"], card["recipe"]
    columns = ("token_mixer", "permutation", "seed", "channels_mlp_dim", "parameters", "multiply_adds")
    rows = [[*(str(run[column]) for column in columns), f"{run['accuracy']:.2f}", str(run["seconds"])] for run in runs]
    return _TEMPLATE.format(
        accuracy_note=card["accuracy_note"],
        hardware=card["hardware"] or "hardware not stated",
        runs="\n".join(_row(row) for row in rows),
        seeds=" ".join(str(seed) for seed in sorted({run["seed"] for run in runs})),
        epochs=recipe["epochs"],
        precision=recipe["precision"],
        recipe="\n".join(_row([name, str(value)]) for name, value in recipe.items()),
    )


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
