"""What the page "Token mixers compared" offers for download."""

from __future__ import annotations

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.analysis.receptive_field import SHARES
from mixer_viz.figures.comparison.print import draw_comparison
from mixer_viz.language import mark, tr
from mixer_viz.ui.choices import Choice, Picture
from mixer_viz.ui.comparison import replacement_results, results
from mixer_viz.ui.comparison.replacement_results import ReplacementChoice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.widgets import downloads as download_widgets

# Names that say what they are where they stand without the page.
_COLUMNS = {
    "name": mark("name"),
    "token_mixer": mark("token_mixer"),
    "permutation": mark("permutation"),
    "seed": mark("seed"),
    "channels_mlp_dim": mark("channels_mlp_dim"),
    "parameters": mark("parameters"),
    "multiply_adds": mark("multiply_adds"),
    "accuracy": mark("accuracy_percent"),
    "images_per_second": mark("training_images_per_second"),
    "seconds": mark("training_seconds"),
}


def downloads(picture: Picture, block: int, token: int) -> None:
    """All networks' listening on this picture as a figure and as numbers, and a table of what is said about them."""
    download_widgets.download_row(
        "token-mixers",
        lambda: _figure(picture, block, token),
        lambda: _arrays(picture, block, token),
        lambda: _table(picture, block, token),
    )


def _figure(picture: Picture, block: int, token: int) -> Figure:
    networks = results.networks()
    return draw_comparison(
        results.crop_for(picture, networks[0].network.config),
        [tr(each.title) for each in networks],
        [results.jacobian_of(picture, each, block).share for each in networks],
        token,
        tr(
            "Who patch {token} listens to in block {block} of each network, and all patches below. Picture: {title}",
            token=token,
            block=block + 1,
            title=picture.said_title,
        ),
    )


def _arrays(picture: Picture, block: int, token: int) -> dict[str, np.ndarray]:
    """Per network: share, strength and same_channel (S, S), receptive fields (L + 1, S), probabilities.

    Blocks are counted from 1 and tokens from 0, as on the page.
    """
    networks = results.networks()
    arrays = {"crop": results.crop_for(picture, networks[0].network.config), "block": np.array(block + 1)}
    arrays["token"], arrays["picture"] = np.array(token), np.array(picture.title)
    if names := networks[0].network.config.class_names:
        arrays["class_names"] = np.array(names)
    for each, answer in zip(networks, results.predictions_of(picture), strict=True):
        listening = results.jacobian_of(picture, each, block)
        name = each.run.token_mixer
        arrays[f"{name}.share"], arrays[f"{name}.strength"] = listening.share, listening.strength
        arrays[f"{name}.same_channel"] = listening.same_channel
        if listening.attention is not None:
            arrays[f"{name}.attention"] = listening.attention
        arrays[f"{name}.field_of_token_{token}"] = results.field_of(picture, each, token).maps
        arrays[f"{name}.probabilities"] = answer.probabilities
    return arrays


def _table(picture: Picture, block: int, token: int) -> bytes:
    """A line for each network: its answer, how much it keeps of the patch in this block, and how far it reaches."""
    networks = results.networks()
    rows: list[list[object]] = []
    for each, answer in zip(networks, results.predictions_of(picture), strict=True):
        best, names = int(answer.probabilities.argmax()), each.network.config.class_names
        share = results.jacobian_of(picture, each, block).share
        half = results.field_of(picture, each, token).area[1:, SHARES.index(0.5)]
        said: list[object] = [names[best] if names else f"class {best}", answer.probabilities[best]]
        rows.append([tr(each.title), *said, share[token, token], np.diag(share).mean(), *half.tolist()])
    blocks = range(1, networks[0].network.config.num_blocks + 1)
    header = [
        *(tr("token_mixer"), tr("answer"), tr("probability")),
        tr("share_of_patch_{token}_in_block_{block}_from_itself", token=token, block=block + 1),
        tr("mean_share_in_block_{block}_from_itself", block=block + 1),
        *(tr("half_of_the_gradient_in_share_of_patches_after_block_{block}", block=number) for number in blocks),
    ]
    return download_widgets.csv_bytes(header, rows)


def replacement_downloads(choice: Choice, asked: ReplacementChoice) -> None:
    """The stand-ins as numbers, and both answers as a table."""
    download_widgets.download_row(
        "stand-ins", None, lambda: _stand_ins(choice, asked), lambda: _both_answers(choice, asked)
    )


def _stand_ins(choice: Choice, asked: ReplacementChoice) -> dict[str, np.ndarray]:
    """Per block, counted from 1: matrix (S, S) [written, read], bias (S,), kernel (k, k), factor, R² twice."""
    after, here = replacement_results.replaced_of(choice, asked)
    arrays = {"kind": np.array(asked.kind), "before": cached.answer_of(choice), "after": after}
    arrays |= {"model": np.array(choice.model.title), "picture": np.array(choice.picture.title)}
    arrays["class_names"] = np.array(choice.model.all_class_names())
    for block, each in replacement_results.replacements_of(choice.model, asked).items():
        parts = {"matrix": each.matrix, "bias": each.bias, "kernel": each.kernel, "factor": each.factor}
        parts |= {"explained_on_samples": each.explained, "explained_on_this_picture": here[block]}
        arrays |= {f"block_{block + 1}.{name}": np.array(value) for name, value in parts.items() if value is not None}
    return arrays


def _both_answers(choice: Choice, asked: ReplacementChoice) -> bytes:
    after, _ = replacement_results.replaced_of(choice, asked)
    names, before = choice.model.all_class_names(), cached.answer_of(choice)
    blocks = " ".join(str(block + 1) for block in asked.blocks)
    about = (choice.model.title, choice.picture.title, asked.kind, blocks)
    rows = [[*row, *about] for row in zip(names, before.tolist(), after.tolist(), strict=True)]
    header = [
        *(tr("class"), tr("probability_as_it_is"), tr("probability_with_stand_ins"), tr("model"), tr("picture")),
        *(tr("stand_in"), tr("blocks")),
    ]
    return download_widgets.csv_bytes(header, rows)


def runs_csv() -> bytes:
    """Every training run of the card, a line each."""
    names = [field.name for field in dataclasses.fields(results.runs()[0]) if field.name not in ("path", "accuracies")]
    rows = [[getattr(run, name) for name in names] for run in results.runs()]
    most = max(len(run.accuracies) for run in results.runs())
    header = [tr(_COLUMNS.get(name, name)) for name in names]
    header += [*(tr("accuracy_after_epoch_{epoch}", epoch=epoch) for epoch in range(1, most + 1))]
    return download_widgets.csv_bytes(
        header, [[*row, *run.accuracies] for row, run in zip(rows, results.runs(), strict=True)]
    )
