"""The model card for people: the facts of the JSON card in words."""

from __future__ import annotations

from typing import Any

TEMPLATE = """\
# {name}

{description}.

| | |
|--|--|
| accuracy | {accuracy:.2f} % top-1: {correct} of {test_images} test images |
| measured with | the weights of this file, which are in half precision, and float32 arithmetic |
| before rounding to half precision | {accuracy_before_rounding:.2f} % |
| parameters | {parameters} |
| file | {file_bytes} bytes, half precision |
| trained | {epochs} epochs, {duration}, on {hardware}, in {precision}, finished {date} |
| data | {data} |

## Data

{data}.{caveat}

Trained on the training part alone. The test part was measured after every epoch; what is shipped is the last epoch,
whatever its accuracy.

## Training
{first_stage_text}
    {command}

| setting | value |
|--|--|
{recipe_rows}

What is measured and shipped is the exponential moving average of the weights.

## Structure of the token-mixing weights

One hidden unit is one row of W1, a map of {grid} x {grid} weights, centred and scaled to unit length.

| figure | value | meaning |
|--|--|--|
| frequency ratio | {frequency_ratio:.3f} | mean radial frequency of the units over that of white noise |
| mean frequency | {mean_frequency:.3f} | power-weighted radius of the 2-D spectrum without DC, cycles per patch |
| white noise | {white_noise:.3f} | the same for white noise on this grid |
| opposed | {opposed_share:.1%} | units with any other unit of their block at cosine -0.7 or less |
| paired | {paired_share:.1%} | units whose one-to-one partner (taken greedily) has cosine -0.7 or less |

| block | frequency | opposed | paired | distinct units (near-copies, cosine 0.95 or more, merged) |
|--|--|--|--|--|
{block_rows}

## Snapshots

Token-mixing weights while training, in half precision; the first is the random start.

| epoch | test accuracy | file |
|--|--|--|
{snapshot_rows}

## Use and limits

Made to look at: a Mixer that loads in a moment, offline, and whose mixing weights can be read. It knows
{num_classes} classes ({class_list})
and nothing else: any photo is shrunk to {image_size} x {image_size} pixels and given one of these names, often with
high confidence. Not for decisions about anything.

Token mixing started from small weights (standard deviation {token_mixing_std}) with weight decay
{token_mixing_weight_decay} on them, chosen to make the pictures clear: the structure seen here does not show what other
recipes would learn.
"""

LOSSY = """
The pictures are lossy copies of the originals, for training and for testing alike, so the accuracy is that on these
copies; on the lossless originals it may differ a little."""


def card_text(card: dict[str, Any]) -> str:
    """Markdown from the JSON card, with the same figures."""
    structure, recipe = card["structure"], card["recipe"]
    per_block = ("block_frequency", "block_opposed_share", "block_paired_share", "distinct_units")
    blocks = zip(*(structure[name] for name in per_block), strict=True)
    return TEMPLATE.format(
        **{
            key: value
            for key, value in card.items()
            if key not in ("structure", "recipe", "snapshots", "class_names", "first_stage")
        },
        **{key: value for key, value in structure.items() if not isinstance(value, list)},
        first_stage_text=first_stage_text(card["first_stage"]),
        caveat=LOSSY if "JPEG" in card["data"] else "",
        num_classes=len(card["class_names"]),
        class_list=", ".join(card["class_names"]),
        **{name: recipe[name] for name in ("image_size", "token_mixing_std", "token_mixing_weight_decay")},
        grid=recipe["image_size"] // recipe["patch_size"],
        recipe_rows="\n".join(f"| {name} | {value} |" for name, value in recipe.items()),
        block_rows="\n".join(
            f"| {index} | {frequency:.3f} | {opposed:.1%} | {paired:.1%} | {distinct} |"
            for index, (frequency, opposed, paired, distinct) in enumerate(blocks)
        ),
        snapshot_rows="\n".join(
            f"| {entry['epoch']} | {accuracy_text(entry['accuracy'])} | {entry['file']} |"
            for entry in card["snapshots"]
        ),
    )


def first_stage_text(stage: dict[str, Any]) -> str:
    """How the weights that this run started from were made; nothing for a run from scratch."""
    if not stage:
        return ""
    planned, done = stage["recipe"]["epochs"], stage["epochs_done"]
    return f"""
In two stages. The first, stopped with Ctrl-C after {done} of its {planned} epochs at {stage["accuracy"]:.2f} %:

    {stage["command"]}

The second starts from the averaged weights of the first (its `--out` folder), with all
token mixing drawn anew:
"""


def accuracy_text(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2f} %"
