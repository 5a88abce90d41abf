"""Quantities of the networks compared: accuracies of the card, answers, who listens to whom, costs, stand-ins."""

from __future__ import annotations

import functools
import re
from typing import cast

import numpy as np
import torch

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.comparison.costs import cost_growth
from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian
from mixer_viz.analysis.replacement.moments import Calibration, calibrate
from mixer_viz.analysis.replacement.replace import Kind, fit_replacement, replaced_logits
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.checkpoints.metaformer_runs import MetaFormerRun, metaformer_card, metaformer_runs
from mixer_viz.images import crop_image, normalise
from mixer_viz.images.samples import load_sample, reference_photos
from mixer_viz.lessons.quantities.situation import Situation
from mixer_viz.model import MetaFormer, MlpMixer

LISTENED = 1e-6  # a share below this is none


def mean_accuracy(situation: Situation) -> float:
    """Of all trainings with the token mixer "mixer", on pictures in the order "order", in percent."""
    return float(np.mean([run.accuracy for run in _runs(situation)]))


def accuracy_lost(situation: Situation) -> float:
    """Percentage points by which "mixer" is worse on pictures in the order "order" than on pictures as they are."""
    plain = [run.accuracy for run in _runs(situation, "none")]
    return float(np.mean(plain) - np.mean([run.accuracy for run in _runs(situation)]))


def trainings(situation: Situation) -> float:
    """How many trainings "mixer" has had on pictures in the order "order"."""
    return float(len(_runs(situation)))


def test_pictures() -> float:
    """How many test pictures the accuracies of the card are measured on."""
    found = re.search(r"(\d[\d,]*) test images", str(metaformer_card().get("accuracy_note", "")))
    if found is None:
        raise ValueError("the card does not say on how many test images it was measured")
    return float(found[1].replace(",", ""))


def compared_answer(situation: Situation) -> str:
    """What the network with "mixer" says of the picture."""
    answer, names = _answer(situation)
    return names[int(answer.argmax())]


def compared_percent(situation: Situation) -> float:
    """The probability of "class" there, in percent."""
    answer, names = _answer(situation)
    return 100.0 * float(answer[names.index(situation.text("class"))])


def listens_to(situation: Situation) -> float:
    """How many patches the patch "token" listens to in the network with "mixer", itself too."""
    return float((_listening(situation) > LISTENED).sum())


def listens_to_itself(situation: Situation) -> float:
    """The share of its listening that goes to itself, in percent."""
    return 100.0 * float(_listening(situation)[situation.whole("token")])


def cost_per_token(situation: Situation) -> float:
    """Multiply-adds per token of "mixer" on a grid of "side" patches along each side, D_S kept."""
    curves = cost_growth(_network(situation.text("mixer")).metaformer_config, [situation.whole("side")])
    curve = next(
        each for each in curves if each.token_mixer == situation.text("mixer") and each.hidden_width in (None, "kept")
    )
    return float(curve.multiply_adds_per_token[0])


def cost_ratio(situation: Situation) -> float:
    """How many times as much "mixer" costs per token on a grid of side "side" as on one of side "from"."""
    low = Situation(situation.model, situation.trace, {**situation.parameters, "side": situation.text("from")})
    return cost_per_token(situation) / cost_per_token(low)


def swapped(situation: Situation) -> np.ndarray:
    """Class probabilities with stand-ins of "swap_kind" in "swap_blocks", counted from 1 and parted by commas."""
    kind = cast(Kind, situation.text("swap_kind"))
    kernel = int(situation.parameters.get("swap_kernel", "3"))
    seed = int(situation.parameters.get("swap_seed", "0"))
    blocks = sorted(int(each) - 1 for each in situation.text("swap_blocks").split(",") if each)
    calibration = _calibration(situation.model)
    replacements = {block: fit_replacement(calibration, block, kind, kernel_size=kernel, seed=seed) for block in blocks}
    return probabilities(replaced_logits(situation.model, situation.trace.pixels, replacements))


def _runs(situation: Situation, order: str = "") -> list[MetaFormerRun]:
    order = order or situation.parameters.get("order", "none")
    found = [
        run for run in metaformer_runs() if run.token_mixer == situation.text("mixer") and run.permutation == order
    ]
    if not found:
        raise ValueError(f"nothing was trained with {situation.text('mixer')} on the order {order}")
    return found


@functools.lru_cache(maxsize=8)
def _network(mixer: str) -> MetaFormer:
    runs = [run for run in metaformer_runs() if run.token_mixer == mixer and run.permutation == "none"]
    path = next(run.path for run in runs if run.path is not None)
    return load_metaformer(path, "cpu")


@functools.lru_cache(maxsize=1)
def _calibration(model: MlpMixer) -> Calibration:
    crops = [np.asarray(crop_image(load_sample(photo.name), model.config)) for photo in reference_photos()]
    pixels = torch.cat([normalise(crop, model.config) for crop in crops])
    return calibrate(model, pixels.to(model.stem.weight.device))


def _pixels(situation: Situation, network: MetaFormer) -> torch.Tensor:
    photo = load_sample(situation.text("image"))
    return normalise(np.asarray(crop_image(photo, network.config)), network.config)


def _answer(situation: Situation) -> tuple[np.ndarray, tuple[str, ...]]:
    network = _network(situation.text("mixer"))
    pixels = _pixels(situation, network)
    names = network.config.class_names
    if names is None:
        raise ValueError("this network has no class names")
    return probabilities(network(pixels)[0].detach().cpu().numpy()), names


def _listening(situation: Situation) -> np.ndarray:  # (S,)
    network = _network(situation.text("mixer"))
    pixels = _pixels(situation, network)
    row: np.ndarray = metaformer_jacobian(network, pixels, situation.block).share[situation.whole("token")]
    return row
