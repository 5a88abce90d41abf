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
| trained | {num_epochs} epochs, {duration}, on {hardware}, finished {date} |
| data | {data} |

## Data

{data}.{caveat}

Trained on the training part alone. The test part was measured after every epoch, and so was seen while recipes were
tried; what is shipped is the last epoch, whatever its accuracy.

## Training

Each command starts from the averaged weights of the one before it; `DIR` holds the data.

{stages_text}
All settings of the last command:

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

| command | epoch | test accuracy | file |
|--|--|--|--|
{snapshot_rows}

## Use and limits

Made to look at: a Mixer that loads in a moment, offline, and whose mixing weights can be read. It knows
{num_classes} classes ({class_list})
and nothing else: any photo is shrunk to {image_size} x {image_size} pixels and given one of these names, often with
high confidence. Not for decisions about anything.

Small initial token-mixing weights (standard deviation {token_mixing_std}) and the weight decay on them were chosen to
make the pictures clear: the structure seen here does not show what other recipes would learn.
"""

LOSSY = """
The pictures are lossy copies of the originals, for training and for testing alike, so the accuracy is that on these
copies; on the lossless originals it may differ a little."""


def card_text(card: dict[str, Any]) -> str:
    """Markdown from the JSON card, with the same figures."""
    structure, recipe = card["structure"], card["stages"][-1]["recipe"]
    per_block = ("block_frequency", "block_opposed_share", "block_paired_share", "distinct_units")
    blocks = zip(*(structure[name] for name in per_block), strict=True)
    return TEMPLATE.format(
        **{key: value for key, value in card.items() if key not in ("structure", "stages", "snapshots", "class_names")},
        **{key: value for key, value in structure.items() if not isinstance(value, list)},
        stages_text="\n".join(map(stage_text, card["stages"])),
        num_epochs=sum(stage["epochs_done"] for stage in card["stages"]),
        caveat=LOSSY if "JPEG" in card["data"] else "",
        num_classes=len(card["class_names"]),
        class_list=", ".join(card["class_names"]),
        **{name: recipe[name] for name in ("image_size", "token_mixing_std")},
        grid=recipe["image_size"] // recipe["patch_size"],
        recipe_rows="\n".join(f"| {name} | {value} |" for name, value in recipe.items()),
        block_rows="\n".join(
            f"| {index} | {frequency:.3f} | {opposed:.1%} | {paired:.1%} | {distinct} |"
            for index, (frequency, opposed, paired, distinct) in enumerate(blocks)
        ),
        snapshot_rows="\n".join(
            f"| {entry['stage']} | {entry['epoch']} | {accuracy_text(entry['accuracy'])} | {entry['file']} |"
            for entry in card["snapshots"]
        ),
    )


def stage_text(stage: dict[str, Any]) -> str:
    """One command, and how far it went."""
    planned, done = stage["recipe"]["epochs"], stage["epochs_done"]
    stopped = "" if done == planned else f", then stopped; {planned} were planned"
    return (
        f"`{stage['run']}`: {done} epochs{stopped}; {stage['accuracy']:.2f} %; {round(stage['seconds'] / 60)} min; "
        f"{stage['precision']}\n\n    {stage['command']}\n"
    )


def accuracy_text(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2f} %"
