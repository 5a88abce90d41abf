"""From what was summed over all pictures to the tables of a survey."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping

import numpy as np
import torch

from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.survey import closer
from mixer_viz.survey.folder import Pictures, read_crop
from mixer_viz.survey.output import FORMAT, Survey
from mixer_viz.survey.passes import FAMILIES
from mixer_viz.survey.run import Share

_PICTURE_BYTES = 32 * 2**20
_MOST_PICTURES = 512


def survey_of(
    model: MlpMixer,
    share: Share,
    pictures: Pictures,
    state: Mapping[str, np.ndarray],
    content: int,
) -> Survey:
    """The tables of a finished state; `share` says of which model, and what got a closer look."""
    count = max(1, int(state["count"][0]))
    arrays = {
        "predictions.labels": pictures.labels,
        "predictions.answers": state["answers"],
        "predictions.confidences": state["confidences"],
        "predictions.confusion": state["confusion"],
        "logit_lens.right": state["lens_right"],
        "logit_lens.as_final": state["lens_as_final"],
        "logit_lens.log_probability": state["lens_log_probability"],
        "logits.mean": state["logit_sum"] / count,
        "logits.std": _std(state["logit_sum"], state["logit_square"], count),
        "logits.top": state["logit_top"],
        "logits.sample": state["logit_sample"],
        "sample.pictures": pictures.sample(len(state["logit_sample"])),
        "closer.pictures": share.closer.pictures,
        "closer.done": state["closer.done"],
        "closer.target": state["closer.target"],
        "closer.attribution": state["attribution"],
        **_closer_means(state),
    }
    for family in FAMILIES:
        arrays |= _unit_tables(family, state, count, pictures.labels)
    arrays |= _kept_pictures(model.config, pictures, arrays)
    about = {
        "format": FORMAT,
        "model": share.model,
        "weights_sha256": share.weights,
        "config": json.loads(model.config.to_json()),
        "images": int(state["count"][0]),
        "unreadable": int((state["answers"] == -2).sum()),
        "data_sha256": f"{content:064x}",
        "files": [pictures.names[number] for number in arrays["pictures.numbers"]],
        "methods": list(share.closer.methods),
        "measures": list(closer.MEASURES),
        "token": share.closer.token,
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    return Survey(about, arrays)


def _unit_tables(family: str, state: Mapping[str, np.ndarray], count: int, labels: np.ndarray) -> dict[str, np.ndarray]:
    total, square = state[f"{family}.sum"], state[f"{family}.square"]
    tables = {
        "mean": total / count,
        "std": _std(total, square, count),
        "lowest": state[f"{family}.lowest"],
        "top": state[f"{family}.top"],
        "top_pictures": state[f"{family}.top_pictures"],
        "sample": state[f"{family}.sample"].astype(np.float16),
    }
    product = state[f"{family}.product"]
    if product.size:
        seen = np.bincount(labels[(labels >= 0) & (state["answers"] >= 0)], minlength=product.shape[1])
        tables["class_mean"] = (state[f"{family}.class_sum"] / np.where(seen, seen, np.nan)[:, None]).T.astype(
            np.float32
        )
        logit_std = _std(state["logit_sum"], state["logit_square"], count)
        covariance = product / count - np.outer(total, state["logit_sum"]) / count**2
        spread = np.outer(tables["std"], logit_std)
        tables["correlation"] = np.where(spread > 0, covariance / np.where(spread > 0, spread, 1), 0).astype(np.float32)
    return {f"{family}.{name}": value for name, value in tables.items()}


def _closer_means(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    done = max(1, int(state["closer.done"].sum()))
    with np.errstate(invalid="ignore"):
        field = state["field.sum"] / np.where(state["field.count"], state["field.count"], np.nan)[:, None]
    return {
        "jacobian.mean": (state["jacobian.mean"] / done).astype(np.float32),
        "jacobian.norm": (state["jacobian.norm"] / done).astype(np.float32),
        "receptive_field.maps": field,
        "effects.mean": state["effect.sum"] / done,
        "effects.std": _std(state["effect.sum"], state["effect.square"], done),
    }


def _kept_pictures(config: MixerConfig, pictures: Pictures, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Crops of the pictures that the most token-mixing units have at their top, and of some of the sample."""
    side = 3 * int(np.prod(config.image_shape))
    room = min(_MOST_PICTURES, max(1, _PICTURE_BYTES // side))
    ranked = arrays["token_units.top_pictures"]
    wanted = list(dict.fromkeys(arrays["sample.pictures"][: room // 4].tolist()))
    for column in range(ranked.shape[1]):
        numbers, counts = np.unique(ranked[:, column], return_counts=True)
        wanted += [int(number) for number in numbers[np.argsort(-counts, kind="stable")] if number >= 0]
    kept: list[int] = []
    crops: list[np.ndarray] = []
    for number in dict.fromkeys(wanted):
        if len(kept) == room:
            break
        crop, _ = read_crop(pictures, number, config)
        if crop is not None:
            kept.append(number)
            crops.append(crop)
    shape = (0, *config.image_shape, 3)
    return {
        "pictures.numbers": np.array(kept, dtype=np.int64),
        "pictures.crops": np.stack(crops) if crops else np.zeros(shape, np.uint8),
    }


def _std(total: np.ndarray, square: np.ndarray, count: int) -> np.ndarray:
    spread: np.ndarray = np.sqrt(np.maximum(square / count - (total / count) ** 2, 0))
    return spread
