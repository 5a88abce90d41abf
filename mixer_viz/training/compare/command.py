"""Train the networks of the comparison one after another: `python -m mixer_viz.training.compare --data DIR --out DIR`.

Every token mixer with every seed, and some of them on permuted images, all with one recipe. D_C differs, so that all
have about as many parameters. The same command again goes on where it stopped and leaves finished runs alone; two of
them with `--share 1/2` and `--share 2/2` do the work side by side. `results.json` in --out holds what is finished.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from mixer_viz.model.metaformer_config import PERMUTATIONS, TOKEN_MIXER_NAMES
from mixer_viz.model.token_mixer_table import matched_channels_mlp_dim
from mixer_viz.training.build import metaformer_config
from mixer_viz.training.cards.metaformer import export, write_results
from mixer_viz.training.cli import add_recipe_options, add_running_options, given_values
from mixer_viz.training.cli import main as train
from mixer_viz.training.data.labelled import find_data
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import FINAL, LAST, read_checkpoint

# Short runs of a small network: a fast average of the weights, and no augmentation that takes long to pay.
COMMON = Recipe(
    embed_dim=64,
    num_blocks=6,
    tokens_mlp_dim=128,
    channels_mlp_dim=128,
    epochs=6,
    lr=2e-3,
    warmup_epochs=0.5,
    ema_decay=0.995,
    mix_probability=0.0,
)
_CHOSEN_PER_RUN = (
    "network",
    "token_mixer",
    "permutation",
    "seed",
    "init_from",
    "reset_token_mixing",
    "widen_channel_mixing",
)
_PERMUTED = PERMUTATIONS[1:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status of `mixer_viz.training`, that of the first run which did not finish."""
    options = build_parser().parse_args(arguments)
    try:
        runs = plan(dataclasses.replace(COMMON, **given_values(options)), options)
        for name, recipe in share(runs, options.share).items():
            status = _train(name, recipe, options)
            if status:
                return status
            write_results(runs, options.out)
        if options.export is not None:
            _export(runs, options)
    except ValueError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return 2
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mixer_viz.training.compare",
        description="Train the networks of the comparison.",
        allow_abbrev=False,  # --seed would be taken for --seeds, --permutation for its seed
    )
    parser.add_argument("--data", required=True, help="ImageFolder tree, or 'cifar10' to download it")
    parser.add_argument("--out", required=True, type=Path, help="folder that gets one folder per run")
    parser.add_argument("--mixers", nargs="*", choices=TOKEN_MIXER_NAMES, default=list(TOKEN_MIXER_NAMES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument(
        "--permuted",
        nargs="*",
        choices=TOKEN_MIXER_NAMES,
        default=["mlp", "convolution"],
        help="which ones are trained on permuted images as well, with every seed",
    )
    parser.add_argument("--share", default="1/1", help="2/3 does the second of three shares of the runs")
    parser.add_argument("--export", type=Path, metavar="DIR", help="when all is finished: write weights and card here")
    parser.add_argument("--data-note", default="", help="what the data is, in words, for the results")
    parser.add_argument("--hardware", default="", help="what it was trained on, in words, for the results")
    add_running_options(parser)
    add_recipe_options(parser, COMMON, without=_CHOSEN_PER_RUN)
    return parser


def plan(common: Recipe, options: argparse.Namespace) -> dict[str, Recipe]:
    """Name -> recipe of every run, plain ones first. The D_C of `common` is the Mixer's; the others get their own."""
    plain = [(mixer, "none", seed) for seed in options.seeds for mixer in options.mixers]
    permuted = [(mixer, how, seed) for seed in options.seeds for mixer in options.permuted for how in _PERMUTED]
    runs = {}
    for mixer, permutation, seed in plain + permuted:
        recipe = dataclasses.replace(common, token_mixer=mixer, permutation=permutation, seed=seed)
        width = matched_channels_mlp_dim(metaformer_config(recipe, ("any",)))  # classes: the head is the same in all
        name = "-".join([mixer, *([] if permutation == "none" else [permutation]), str(seed)])
        runs[name] = dataclasses.replace(recipe, channels_mlp_dim=width)
    return runs


def share(runs: dict[str, Recipe], which: str) -> dict[str, Recipe]:
    """Every n-th run, for "1/n" from the first on; raises ValueError for anything but two numbers."""
    number, _, shares = which.partition("/")
    if not (number.isdecimal() and shares.isdecimal() and 1 <= int(number) <= int(shares)):
        raise ValueError(f"--share {which} must be two numbers as in 1/2, the first at most the second.")
    return dict(list(runs.items())[int(number) - 1 :: int(shares)])


def _train(name: str, recipe: Recipe, options: argparse.Namespace) -> int:
    folder = options.out / name
    started = (folder / LAST).is_file()
    if started and (folder / FINAL).is_file():
        if Recipe(**read_checkpoint(folder)["recipe"]) != recipe:
            raise ValueError(f"{folder} holds a run with another recipe; choose another --out.")
        return 0
    if not options.quiet:
        tqdm.write(name)
    torch.compiler.reset()  # compiled forms of earlier networks count towards a limit
    how = [f"--{option}={getattr(options, option.replace('-', '_'))}" for option in _RUNNING]
    switches = ["--quiet"] * options.quiet + ["--resume"] * started
    return train([*how, f"--out={folder}", *switches, *_recipe_arguments(recipe)])


_RUNNING = ("data", "download-dir", "device", "workers")


def _recipe_arguments(recipe: Recipe) -> list[str]:
    arguments = []
    for name, value in recipe.as_dict().items():
        option = name.replace("_", "-")
        is_switch = isinstance(value, bool)
        arguments.append(f"--{'' if value else 'no-'}{option}" if is_switch else f"--{option}={value}")
    return arguments


def _export(runs: dict[str, Recipe], options: argparse.Namespace) -> None:
    missing = [name for name in runs if not (options.out / name / FINAL).is_file()]
    if missing:
        raise ValueError(f"{', '.join(missing)} are not finished; run the command without --export first.")
    about = {"data": options.data_note, "hardware": options.hardware}
    seed = next(iter(runs.values())).seed
    export(runs, options.out, options.export, find_data(options.data, options.download_dir, seed), about)
