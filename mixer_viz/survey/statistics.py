"""What is kept of all pictures: sums, extremes and the values of a fixed sample. Its size does not grow with them.

All of it can be saved, loaded and merged; sums are float64, so that shares add up to the whole but for rounding.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from mixer_viz.model import MixerConfig
from mixer_viz.survey.folder import Pictures
from mixer_viz.survey.passes import FAMILIES, ChunkValues, family_shape

TOP = 9  # pictures kept for each unit
SAMPLE_BYTES = 64 * 2**20  # of the values of the sample
MOST_SAMPLED = 1024
MOST_PRODUCTS = 2**23  # units times classes; beyond it there is nothing by class
MOST_CONFUSED = 2_000  # classes; beyond it there is no table of confusions


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a survey keeps, the same in all its processes."""

    config: MixerConfig
    labels: np.ndarray  # (N,) int64, -1 for none
    sample: np.ndarray  # (M,) int64, sorted numbers of pictures whose values are kept

    @classmethod
    def of(cls, config: MixerConfig, pictures: Pictures) -> Plan:
        """The usual plan: as large a sample as its bound allows."""
        units = sum(np.prod(family_shape(config, family)) for family in FAMILIES)
        count = int(min(MOST_SAMPLED, max(1, SAMPLE_BYTES // (4 * units))))
        return cls(config, pictures.labels, pictures.sample(count))

    def by_class(self, units: int) -> bool:
        """Whether what is kept for each class of each unit fits."""
        return units * self.config.num_classes <= MOST_PRODUCTS


def empty_state(plan: Plan) -> dict[str, np.ndarray]:
    """What is known before the first picture: arrays by name."""
    config, pictures = plan.config, len(plan.labels)
    classes, stages = config.num_classes, config.num_blocks + 1
    confused = classes if classes <= MOST_CONFUSED else 0
    state: dict[str, np.ndarray] = {
        "count": np.zeros(1, np.int64),
        "answers": np.full(pictures, -1, np.int32),  # -1: not read yet, -2: no readable picture
        "confidences": np.zeros(pictures, np.float32),
        "confusion": np.zeros((confused, confused), np.int64),
        "lens_right": np.zeros(stages, np.int64),
        "lens_as_final": np.zeros(stages, np.int64),
        "lens_log_probability": np.zeros(stages),
        "logit_sum": np.zeros(classes),
        "logit_square": np.zeros(classes),
        "logit_top": np.full(classes, -np.inf, np.float32),
        "logit_sample": np.full((len(plan.sample), classes if classes <= MOST_CONFUSED else 0), np.nan, np.float32),
    }
    for family in FAMILIES:
        units = int(np.prod(family_shape(config, family)))
        classed = classes if plan.by_class(units) else 0
        state |= {
            f"{family}.sum": np.zeros(units),
            f"{family}.square": np.zeros(units),
            f"{family}.lowest": np.full(units, np.inf, np.float32),
            f"{family}.top": np.full((units, TOP), -np.inf, np.float32),
            f"{family}.top_pictures": np.full((units, TOP), -1, np.int64),
            f"{family}.class_sum": np.zeros((classed, units)),
            f"{family}.product": np.zeros((units, classed)),  # activation times logit, for correlations
            f"{family}.sample": np.full((len(plan.sample), units), np.nan, np.float32),
        }
    return state


class Accumulator:
    """Adds chunks of pictures to a state, on the device where they were computed if that has float64."""

    def __init__(self, plan: Plan, state: dict[str, np.ndarray], device: torch.device) -> None:
        self.plan = plan
        self._device = device if device.type == "cuda" else torch.device("cpu")
        self._state = {name: torch.from_numpy(value.copy()).to(self._device) for name, value in state.items()}
        self._labels = torch.from_numpy(plan.labels).to(self._device)
        self._sample = torch.from_numpy(plan.sample).to(self._device)

    def state(self) -> dict[str, np.ndarray]:
        """A copy of all that is known."""
        return {name: value.cpu().numpy().copy() for name, value in self._state.items()}

    @torch.inference_mode()
    def add(self, numbers: np.ndarray, values: ChunkValues) -> None:
        """Add n pictures of these ascending numbers."""
        which = torch.from_numpy(numbers).to(self._device)
        labels, logits = self._labels[which], values.logits.to(self._device)
        self._state["count"] += len(which)
        self._answers(which, labels, logits, values.lens.to(self._device))
        known = labels >= 0
        place = torch.searchsorted(self._sample, which).clamp_max(max(len(self._sample) - 1, 0))
        sampled = self._sample[place] == which
        if self._state["logit_sample"].shape[1]:
            self._state["logit_sample"][place[sampled]] = logits[sampled]
        for family in FAMILIES:
            units = values.units[family].to(self._device)
            self._state[f"{family}.sample"][place[sampled]] = units[sampled]
            self._sums(family, units, logits, labels, known)
            self._top(family, which, units)

    def skip(self, unreadable: np.ndarray) -> None:
        """Note files that are no readable pictures."""
        self._state["answers"][torch.from_numpy(unreadable).to(self._device)] = -2

    def _answers(self, which: Tensor, labels: Tensor, logits: Tensor, lens: Tensor) -> None:
        state = self._state
        confidence, answer = _probabilities(logits).max(dim=1)
        state["answers"][which], state["confidences"][which] = answer.int(), confidence.float()
        state["logit_sum"] += logits.double().sum(dim=0)
        state["logit_square"] += logits.double().square().sum(dim=0)
        state["logit_top"] = torch.maximum(state["logit_top"], logits.amax(dim=0))
        at_stages = lens.argmax(dim=2)  # (n, L + 1)
        state["lens_as_final"] += (at_stages == answer[:, None]).sum(dim=0)
        known = labels >= 0
        if not bool(known.any()):
            return
        right = labels[known]
        state["lens_right"] += (at_stages[known] == right[:, None]).sum(dim=0)
        log = lens[known].double().log_softmax(dim=2)
        state["lens_log_probability"] += log.gather(2, right[:, None, None].expand(-1, log.shape[1], 1)).sum(dim=(0, 2))
        if state["confusion"].numel():
            pairs = right * len(state["confusion"]) + answer[known]
            state["confusion"] += torch.bincount(pairs, minlength=state["confusion"].numel()).view_as(
                state["confusion"]
            )

    def _sums(self, family: str, units: Tensor, logits: Tensor, labels: Tensor, known: Tensor) -> None:
        state, precise = self._state, units.double()
        state[f"{family}.sum"] += precise.sum(dim=0)
        state[f"{family}.square"] += precise.square().sum(dim=0)
        state[f"{family}.lowest"] = torch.minimum(state[f"{family}.lowest"], units.amin(dim=0))
        if state[f"{family}.product"].numel():
            state[f"{family}.product"] += precise.T @ logits.double()
            state[f"{family}.class_sum"].index_add_(0, labels[known], precise[known])

    def _top(self, family: str, which: Tensor, units: Tensor) -> None:
        top, pictures = self._state[f"{family}.top"], self._state[f"{family}.top_pictures"]
        changed = (units.amax(dim=0) > top[:, -1]).nonzero().flatten()
        if not len(changed):
            return
        values = torch.cat([top[changed], units[:, changed].T], dim=1)
        numbers = torch.cat([pictures[changed], which.expand(len(changed), -1)], dim=1)
        # Stable, and pictures come in ascending order: of equal values the first picture stays first.
        values, order = values.sort(dim=1, descending=True, stable=True)
        top[changed], pictures[changed] = values[:, :TOP], numbers.gather(1, order[:, :TOP])


def merged(states: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Several shares of the same plan as one."""
    result = {name: value.copy() for name, value in states[0].items()}
    for state in states[1:]:
        for name, value in state.items():
            mine = result[name]
            if name == "answers":
                result[name] = np.where(value != -1, value, mine)
            elif name == "confidences":
                result[name] = np.where(state["answers"] >= 0, value, mine)
            elif name.endswith("sample"):
                result[name] = np.where(np.isnan(mine), value, mine)
            elif name.endswith("lowest"):
                result[name] = np.minimum(mine, value)
            elif name == "logit_top":
                result[name] = np.maximum(mine, value)
            elif not name.endswith(("top", "top_pictures")):
                result[name] = mine + value
        for family in FAMILIES:
            _merge_top(result, state, family)
    return result


def _merge_top(result: dict[str, np.ndarray], state: dict[str, np.ndarray], family: str) -> None:
    value, number = f"{family}.top", f"{family}.top_pictures"
    values = np.concatenate([result[value], state[value]], axis=1)
    numbers = np.concatenate([result[number], state[number]], axis=1)
    order = np.lexsort((numbers, -values), axis=1)[:, :TOP]
    result[value] = np.take_along_axis(values, order, axis=1)
    result[number] = np.take_along_axis(numbers, order, axis=1)


def _probabilities(logits: Tensor) -> Tensor:
    """Softmax; the sigmoid of a single output, as everywhere in this project."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)
