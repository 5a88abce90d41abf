"""Throughput of the seven token mixers against the MLP's, and of published architectures against our Mixer-B/16.

The seven networks are those that the comparison trains: the same S, C and depth, about as many parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from timing import ratios, summary
from torch import nn

from mixer_viz.analysis.comparison.published import IMAGE_SIZE, PUBLISHED
from mixer_viz.analysis.comparison.throughput import measure_throughput
from mixer_viz.model import PRESETS, TOKEN_MIXERS, MetaFormer, MlpMixer
from mixer_viz.model.token_mixer_table import matched_channels_mlp_dim, metaformer_costs
from mixer_viz.training.build import metaformer_config
from mixer_viz.training.compare.command import COMMON

NAME = "compared_speed"
OURS = "Mixer-B/16, ours"
CLASSES = tuple(f"class {index}" for index in range(10))
BATCH = {"cpu": {"seven": 64, "published": 4}, "cuda": {"seven": 1024, "published": 64}}
ROUNDS = {"cpu": {"seven": 15, "published": 5}, "cuda": {"seven": 30, "published": 30}}


def measure() -> dict[str, Any]:
    """Images/s and ratios on the CPU and on CUDA where there is one."""
    results: dict[str, Any] = {}
    side = COMMON.image_size
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        sets = (("seven", seven_networks(), "mlp", side), ("published", published_networks(), OURS, IMAGE_SIZE))
        for name, networks, base, image_size in sets:
            here = {key: network.to(device) for key, network in networks.items()}
            measured = compare(here, base, image_size, BATCH[device][name], ROUNDS[device][name])
            results |= {f"{device}, {key}": value for key, value in measured.items()}
    return results


def seven_networks() -> dict[str, nn.Module]:
    """Every token mixer in the network that is trained with it, with random weights."""
    torch.manual_seed(0)
    networks: dict[str, nn.Module] = {}
    for name in TOKEN_MIXERS:
        config = metaformer_config(dataclasses.replace(COMMON, token_mixer=name), CLASSES)
        sizes = dataclasses.replace(config.sizes, channels_mlp_dim=matched_channels_mlp_dim(config))
        networks[name] = MetaFormer(dataclasses.replace(config, sizes=sizes)).eval().requires_grad_(False)
    return networks


def published_networks() -> dict[str, nn.Module]:
    """Our Mixer-B/16 and the architectures of `comparison.published`, with random weights."""
    torch.manual_seed(0)
    networks: dict[str, nn.Module] = {OURS: MlpMixer(PRESETS["B/16"])}
    networks |= {f"{name}, {library}": build() for (name, library), build in PUBLISHED.items()}
    return {name: network.eval().requires_grad_(False) for name, network in networks.items()}


def compare(networks: Mapping[str, nn.Module], base: str, image_size: int, batch: int, rounds: int) -> dict[str, Any]:
    """One race: the conditions, then images/s of each network and, round by round, its ratio to the base's."""
    measured = measure_throughput(networks, (3, image_size, image_size), batch=batch, rounds=rounds)
    speeds = {row.name: row.images_per_second.tolist() for row in measured.rows}
    results: dict[str, Any] = {f"{base} and others, conditions": dataclasses.asdict(measured.conditions)}
    for name, values in speeds.items():
        results[name] = summary(values, "images/s")
        if name != base:
            results[f"{name} / {base}"] = summary(ratios(values, speeds[base]), "x")
        if isinstance(networks[name], MetaFormer):
            total = metaformer_costs(networks[name].metaformer_config).total
            results[f"{name}, counted"] = dataclasses.asdict(total)
    return results
