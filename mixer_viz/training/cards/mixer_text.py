"""The model card for people: the facts of the JSON card in words."""

from __future__ import annotations

import textwrap
from typing import Any

_TEMPLATE = """\
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

{calibration_text}
## Accuracy for each class

{class_rows}

## Data

{data}.{caveat}{terms_text}

{seen}

## Training

Each command starts from the averaged weights of the one before it; `DIR` holds the data.

{stages_text}
{teacher_text}All settings of the last command:

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
| filters | {filter_frequency_ratio:.3f} | the same ratio of the {patch_size} x {patch_size} patch-embedding filters |

| block | frequency | over white noise | opposed | paired | distinct units (near-copies, cosine 0.95 or more, merged) |
|--|--|--|--|--|--|
{block_rows}

## Snapshots

Token-mixing weights and patch-embedding filters while training, as 8-bit numbers with one scale per row; the first is
the random start.

| command | epoch | validation accuracy | file |
|--|--|--|--|
{snapshot_rows}{networks_text}

## Use and limits

Made to look at: a Mixer that loads in a moment, offline, and whose mixing weights can be read. It knows
{num_classes} classes ({class_list})
and nothing else: any photo is shrunk to {image_size} x {image_size} pixels and given one of these names, often with
high confidence. Not for decisions about anything.

{readable_text}
"""

_CLEAR = """\
Small initial token-mixing weights (standard deviation {token_mixing_std}) and the weight decay on them were chosen to
make the pictures clear: the structure seen here does not show what other recipes would learn."""

_NOISY = """\
Muon updated the token-mixing matrices too. It makes every direction of a matrix equally strong at each step, so that
the units look like noise whatever they have learned."""

_CALIBRATION = """\
Softmax of the logits divided by a temperature of {temperature:.3f} says how sure the network is. The temperature is the
one with the least cross-entropy on {validation_images} images that were held out of training. On the test images the
mean confidence is {mean_confidence:.1f} % (before: {mean_confidence_before:.1f} %), the cross-entropy
{cross_entropy:.3f} nats (before: {cross_entropy_before:.3f}).
"""

_TEACHER = """\
The network learned from the labels and from {whom} trained before it:

{stages}
"""

_ITSELF = """\
Where a command names the same file as start and as teacher, the network learned from the labels and from itself as it
was before.
"""

_LOSSY = """
The pictures are lossy copies of the originals, for training and for testing alike, so the accuracy is that on these
copies; on the lossless originals it may differ a little."""

_PUT_INTO_WORDS = (
    *("structure", "stages", "teachers", "snapshots", "class_names"),
    *("accuracy_per_class", "test_images_per_class", "calibration", "terms", "is_first", "first_picture"),
)
_WIDTH = 119


def card_text(card: dict[str, Any]) -> str:
    """Markdown from the JSON card, with the same figures."""
    structure, recipe = card["structure"], card["stages"][-1]["recipe"]
    per_block = ("block_frequency", "block_opposed_share", "block_paired_share", "distinct_units")
    blocks = zip(*(structure[name] for name in per_block), strict=True)
    stages, teachers, calibration = card["stages"], card.get("teachers", []), card["calibration"]
    return _TEMPLATE.format(
        **{key: value for key, value in card.items() if key not in _PUT_INTO_WORDS},
        **{key: value for key, value in structure.items() if not isinstance(value, list)},
        stages_text="\n".join(map(stage_text, stages)),
        teacher_text=teacher_text(stages, teachers),
        seen=seen_text(stages, teachers),
        calibration_text="" if calibration is None else _CALIBRATION.format(**calibration),
        class_rows=", ".join(
            f"{name} {value:.1f} % of {card['test_images_per_class'][name]}"
            for name, value in card["accuracy_per_class"].items()
        ),
        terms_text=f"\n\n{card['terms']}" if card.get("terms") else "",
        num_epochs=sum(stage["epochs_done"] for stage in stages),
        caveat=_LOSSY if "JPEG" in card["data"] else "",
        num_classes=len(card["class_names"]),
        class_list=", ".join(card["class_names"]),
        **{name: recipe[name] for name in ("image_size", "patch_size")},
        readable_text=(_NOISY if recipe["optimizer"] == "muon-all" else _CLEAR).format(**recipe),
        grid=recipe["image_size"] // recipe["patch_size"],
        recipe_rows="\n".join(f"| {name} | {value} |" for name, value in recipe.items()),
        block_rows="\n".join(
            f"| {index} | {frequency:.3f} | {frequency / structure['white_noise']:.3f} | {opposed:.1%} | {paired:.1%} "
            f"| {distinct} |"
            for index, (frequency, opposed, paired, distinct) in enumerate(blocks)
        ),
        snapshot_rows="\n".join(
            f"| {entry['stage']} | {entry['epoch']} | {accuracy_text(entry['accuracy'])} | {entry['file']} |"
            for entry in card["snapshots"]
        ),
        networks_text=networks_text(card["snapshots"]),
    )


def networks_text(snapshots: list[dict[str, Any]]) -> str:
    """Which snapshots hold the whole network in few bits, and what the rounding costs; empty where none does."""
    kept = [
        f"command {entry['stage']}, epoch {entry['epoch']}: {entry['network']['coarse_accuracy']:.2f} % "
        f"instead of {entry['network']['whole_accuracy']:.2f} %"
        for entry in snapshots
        if "network" in entry
    ]
    if not kept:
        return ""
    count = next(entry["network"]["measured_on"] for entry in snapshots if "network" in entry)
    said = (
        "Some of them hold the whole network as well, channel mixing rounded to about 2.5 bits for each weight. Right "
        f"answers on the same {count:,} test images, rounded and as it was: {'; '.join(kept)}."
    )
    return f"\n\n{textwrap.fill(said, _WIDTH)}"


def teacher_text(stages: list[dict[str, Any]], teachers: list[dict[str, Any]]) -> str:
    """Who they were, in the order in which they taught; empty without one."""
    itself = any(
        (teacher := stage["recipe"]["teacher"]) and teacher.rpartition("/")[2] == stage["recipe"]["init_from"]
        for stage in stages
    )
    said = f"{_ITSELF}\n" if itself else ""
    if not teachers:
        return said
    whom = (
        "a teacher, a network that was" if len(teachers) == 1 else "teachers, one after the other: networks that were"
    )
    return said + _TEACHER.format(whom=whom, stages="\n".join(map(stage_text, teachers)))


def seen_text(stages: list[dict[str, Any]], teachers: list[dict[str, Any]]) -> str:
    """Which images were trained on, which recipes were chosen on, and when the test part was measured."""
    recipes = [stage["recipe"] for stage in stages]
    shares = sorted({100 * recipe["validation_share"] for recipe in recipes})
    sentences = ["Trained on the training part alone."]
    if any(recipe.get("unlabelled") for recipe in recipes):
        sentences = [
            "Labels came from the training part alone; where a command names a folder with `--unlabelled`, the network "
            "saw its pictures too and was told by its teacher alone what they show."
        ]
    if shares == [0]:
        sentences.append("Nothing of it was held out, so no accuracy was measured while training.")
    else:
        much = " to ".join(f"{share:g}" for share in dict.fromkeys((shares[0], shares[-1])))
        sentences.append(
            f"{much} % of it was held out of training and measured after every epoch: recipes were chosen on this "
            "validation part."
        )
        everyone = [*recipes, *(teacher["recipe"] for teacher in teachers)]
        if len({(recipe["validation_share"], recipe["seed"]) for recipe in everyone}) > 1:
            sentences.append("Not all commands held out the same images, so one may have trained on another's.")
    end = "the end" if len(stages) == 1 else "the end of each command that reached its last epoch"
    sentences.append(
        f"The test part was measured once, at {end}, and here again for the file that is shipped; that is the last "
        "epoch, whatever its accuracy."
    )
    return textwrap.fill(" ".join(sentences), _WIDTH)


def stage_text(stage: dict[str, Any]) -> str:
    """One command, and how far it went."""
    planned, done = stage["recipe"]["epochs"], stage["epochs_done"]
    stopped = "" if done == planned else f", then stopped; {planned} were planned"
    facts = [f"{done} epochs{stopped}", *_accuracies(stage), f"{round(stage['seconds'] / 60)} min", stage["precision"]]
    return f"`{stage['run']}`: {'; '.join(facts)}\n\n    {stage['command']}\n"


def _accuracies(stage: dict[str, Any]) -> list[str]:
    """What was measured."""
    named = {"validation": stage["validation_accuracy"], "test": stage["accuracy"]}
    return [f"{name} {value:.2f} %" for name, value in named.items() if value is not None]


def accuracy_text(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2f} %"
