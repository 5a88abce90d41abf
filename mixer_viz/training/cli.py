"""`python -m mixer_viz.training`: the command line."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixer_viz.training.recipe import CHOICES, Recipe
from mixer_viz.training.state import LAST, RunFolder, read_checkpoint, read_weights
from mixer_viz.training.stopping import Stopped, leaving_at_once

# The rest of the training is imported where it is used: torchvision alone would double the time of --help.
if TYPE_CHECKING:
    from mixer_viz.training.loop import Trainer
    from mixer_viz.training.processes import Processes

_HELP = {
    "network": "what is trained: a Mixer, or a small convolutional network to be its teacher",
    "convnet_width": "channels of the convnet's first group; the others have four times as many",
    "image_size": "pixels along each side of the network's input",
    "patch_size": "P, pixels along each side of a patch",
    "embed_dim": "C, channels per token",
    "num_blocks": "L, number of Mixer layers",
    "tokens_mlp_dim": "D_S, hidden width of the token-mixing MLPs",
    "channels_mlp_dim": "D_C, hidden width of the channel-mixing MLPs",
    "token_mixer": "what stands in the place of the token-mixing MLP; mlp is the Mixer",
    "num_heads": "heads of --token-mixer attention",
    "kernel_size": "k of --token-mixer convolution and pooling",
    "permutation": "put the pixels of every image in one fixed order, as in the paper's Figure 4",
    "batch_size": "images per step and process",
    "optimizer": "adamw; sgd with Nesterov momentum; muon on the channel-mixing matrices, or on all of the blocks",
    "lr": "peak learning rate of AdamW or SGD",
    "min_lr": "learning rate at the end; other groups keep their ratio to --lr",
    "muon_lr": "peak learning rate of Muon",
    "momentum": "of --optimizer sgd",
    "beta2": "decay of AdamW's squared gradients",
    "stem_weight_decay": "weight decay on the patch-embedding filters",
    "stem_std": "standard deviation of the initial patch-embedding filters; 0 for 1 / sqrt(3 P^2)",
    "stem_roughness_penalty": "weight in the loss of patch-embedding filters that change from pixel to pixel",
    "teacher": "weight file of a trained network to learn from, one that knows the same classes at the same size",
    "teacher_views": "repeat the crops and mixes of so many epochs and ask the teacher once for each; 0 for new ones",
    "teacher_flip": "mean of the teacher's logits for every image and its mirror image",
    "unlabelled": "folder of more images, in sub-folders or not, of which the teacher alone says what they show",
    "distill_weight": "share of the teacher in the loss; the labels have the rest",
    "distill_temperature": "T, by which both networks' logits are divided for the teacher's part",
    "validation_share": "share of the training images that is held out to choose recipes on, drawn by --seed",
    "token_mixing_weight_decay": "weight decay on W1 and W2 of token mixing",
    "token_mixing_std": "standard deviation of the initial W1 and W2 of token mixing",
    "copy_penalty": "weight in the loss of units of token mixing that are near-copies of others of their block",
    "copy_cosine": "with --copy-penalty: cosine of two units above which they count as near-copies",
    "clip_norm": "largest gradient norm",
    "ema_decay": "decay per step of the averaged weights",
    "mixup": "alpha of MixUp, 0 for none",
    "cutmix": "alpha of CutMix, 0 for none",
    "mix_probability": "share of batches that MixUp or CutMix changes",
    "crop": "shifted crop with padding, or random resized crop; auto looks at the images",
    "init_from": "start from these weights: a weight file or the folder of a run",
    "reset_token_mixing": "with --init-from: draw W1 and W2 of token mixing anew; their D_S may be another one",
    "widen_channel_mixing": "with --init-from: D_C may be larger; new units of channel mixing add nothing at first",
    "precision": "bf16 autocast, fp32, or the faster one",
    "compile": "use torch.compile",
}


def build_parser() -> argparse.ArgumentParser:
    """Options of the command; recipe options that are not given stay absent, so that --resume can tell."""
    parser = argparse.ArgumentParser(prog=_command(), description="Train an MLP-Mixer.")
    drawn = "pictures drawn on the fly: shapes, where, same-or-different, stripes"
    parser.add_argument("--data", required=True, help=f"ImageFolder tree, 'cifar10' to download it, or {drawn}")
    parser.add_argument("--out", required=True, type=Path, help="folder for checkpoint, log, snapshots and model")
    parser.add_argument("--resume", action="store_true", help=f"go on from {LAST} in --out, with its recipe")
    add_running_options(parser)
    add_recipe_options(parser, Recipe())
    return parser


def _command() -> str:
    started = Path(sys.argv[0]).stem
    return started if started == "mixer-train" else "python -m mixer_viz.training"


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """Options that change how a run is done and not what comes out of it."""
    parser.add_argument("--download-dir", type=Path, default=Path("data"), help="where 'cifar10' is kept")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--workers", type=int, default=min(8, max(1, (os.cpu_count() or 2) // 2)))
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def add_recipe_options(parser: argparse.ArgumentParser, defaults: Recipe, without: Sequence[str] = ()) -> None:
    """One option per field of the recipe, those in `without` aside; what is not given stays absent."""
    group = parser.add_argument_group("recipe")
    for field in dataclasses.fields(Recipe):
        if field.name in without:
            continue
        default = getattr(defaults, field.name)
        kind = type(default)
        how: dict[str, Any] = {"type": kind, "choices": CHOICES.get(field.name)}
        if kind is bool:
            how = {"action": argparse.BooleanOptionalAction}
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            default=argparse.SUPPRESS,
            help=f"{_HELP.get(field.name, field.name.replace('_', ' '))} (default {default})",
            **how,
        )


def given_values(options: argparse.Namespace) -> dict[str, Any]:
    """The recipe's values that were given on the command line."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(Recipe) if field.name in options}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status (130 after Ctrl-C, 2 for a mistake of the user's)."""
    options = build_parser().parse_args(arguments)
    with leaving_at_once():
        import mixer_viz.training.loop  # noqa: F401  # all of it, as the rest is in a `try`
        from mixer_viz.training.data.labelled import DataError
        from mixer_viz.training.processes import join_processes

    try:
        with join_processes(options.device) as processes:
            return _train(options, given_values(options), processes)
    except (DataError, ValueError) as exc:
        logging.getLogger(__name__).debug("training could not start", exc_info=True)
        sys.stderr.write(f"error: {_sentence(exc)}\n")
        return 2
    except KeyboardInterrupt:  # before or after the epochs; during them the trainer saves first
        sys.stderr.write("\nstopped; nothing was left half-written\n")
        return 130


def _train(options: argparse.Namespace, given: dict[str, Any], processes: Processes) -> int:
    from mixer_viz.model import MlpMixer
    from mixer_viz.training.data.labelled import DataError, find_data, hold_out_validation, with_unlabelled
    from mixer_viz.training.loop import Trainer

    state = read_checkpoint(options.out) if options.resume else None
    if state is None and (options.out / LAST).exists():
        raise ValueError(f"{options.out} holds a run already; add --resume to go on with it, or choose another --out.")
    recipe = Recipe(**given) if state is None else _stored_recipe(state["recipe"], given)
    with processes.main_first():  # only one process downloads
        data = find_data(options.data, options.download_dir, recipe.seed)
    data = with_unlabelled(hold_out_validation(data, recipe.validation_share, recipe.seed), recipe.unlabelled)
    if state is not None and tuple(state["class_names"]) != data.class_names:
        raise DataError(f"{options.data} has other classes than the run in {options.out}.")
    trainer = Trainer(recipe, data, RunFolder(options.out), processes, options.workers, options.quiet)
    if state is not None:
        _restore(trainer, state, options.out / LAST)
    elif recipe.init_from and isinstance(trainer.model, MlpMixer):
        trainer.start_from(
            read_weights(
                recipe.init_from,
                trainer.model.config,
                without_token_mixing=recipe.reset_token_mixing,
                drawn=trainer.model.state_dict() if recipe.widen_channel_mixing else None,
            )
        )
    try:
        trainer.run()
    except Stopped:
        if processes.is_main:
            sys.stderr.write(f"\nstopped and saved; the same command with --resume goes on from {options.out / LAST}\n")
        return 130
    return 0


def _restore(trainer: Trainer, state: dict[str, Any], file: Path) -> None:
    try:
        trainer.restore(state)
    except (KeyError, TypeError, AttributeError, IndexError, RuntimeError) as exc:  # tensors of other sizes and kinds
        raise ValueError(f"{file} does not fit its own recipe; start again without --resume.") from exc


def _sentence(error: ValueError) -> str:
    # Raised in a loader's worker, the message comes back with the worker's traceback before it.
    return str(error).strip().rpartition("DataError: ")[2]


def _stored_recipe(stored: dict[str, Any], given: dict[str, Any]) -> Recipe:
    try:
        recipe = Recipe(**stored)
    except TypeError as exc:
        raise ValueError(f"{LAST} holds a recipe of another version; start again without --resume.") from exc
    for name, value in given.items():
        used = getattr(recipe, name)  # a run of an earlier version has the default
        if used != value:
            option = "--" + name.replace("_", "-")
            raise ValueError(f"The run was started with {option} {used}; leave {option} away to resume it.")
    return recipe
