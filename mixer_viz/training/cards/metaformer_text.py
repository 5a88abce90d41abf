"""The card of the compared networks for people: what the JSON card says, as text."""

from __future__ import annotations

from typing import Any

_TEMPLATE = """\
# Networks compared

Small networks that differ in what mixes the tokens, trained alike. D_C, the hidden width of channel mixing, is chosen
so that all have about as many parameters; attention alone has a position embedding. `compared.json` is the same card
for programs.

| | |
|--|--|
| data | {data} |
| accuracy | {accuracy_note} |
| trained on | {hardware} |
| files | half precision; one for each network's first seed |

## Runs

| network | pictures | seed | D_C | parameters | multiply-adds | accuracy, % | training, s |
|--|--|--|--|--|--|--|--|
{runs}

{measured}; what is shipped is the last epoch's average of the weights. For the MLP
over tokens a fixed order of the patches, and of the pixels inside them, is the same training from another random start:
its runs with and without that order differ by chance alone and show how much chance does. So short a training favours
networks that know from the start which patches are neighbours; it says little about long trainings or large pictures.

## Recipe

    python -m mixer_viz.training.compare --data DIR --out OUT --seeds {seeds} --epochs {epochs} --precision {precision}

trains all of them; with `--export assets/compared` it writes these files. Settings that all share (those of token
mixing matter for the MLP over tokens alone):

| setting | value |
|--|--|
{recipe}
"""


_MEASURED = {
    "test": "The test images were measured after every epoch",  # the cards of earlier versions
    "validation": "The test images were measured once, at the end, and images held out of training after every epoch",
}


def card_text(card: dict[str, Any]) -> str:
    """Markdown from the JSON card that `metaformer.export` writes."""
    runs, recipe = card["runs"], card["recipe"]
    columns = ("token_mixer", "permutation", "seed", "channels_mlp_dim", "parameters", "multiply_adds")
    rows = [[*(str(run[column]) for column in columns), f"{run['accuracy']:.2f}", str(run["seconds"])] for run in runs]
    return _TEMPLATE.format(
        measured=_MEASURED[card.get("curves_on", "test")],
        accuracy_note=card["accuracy_note"],
        data=card["data"] or "not stated",
        hardware=card["hardware"] or "not stated",
        runs="\n".join(_row(row) for row in rows),
        seeds=" ".join(str(seed) for seed in sorted({run["seed"] for run in runs})),
        epochs=recipe["epochs"],
        precision=recipe["precision"],
        recipe="\n".join(_row([name, str(value)]) for name, value in recipe.items()),
    )


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
