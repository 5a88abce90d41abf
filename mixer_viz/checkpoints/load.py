"""Name, path or uploaded bytes -> a model ready to use."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from mixer_viz.checkpoints.build import build_model, check_same_config
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.checkpoints.devices import choose_device
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import SUFFIXES, read_weights
from mixer_viz.checkpoints.formats.own_format import CONFIG_KEY
from mixer_viz.checkpoints.formats.uploads import UPLOAD_STEM, uploaded_file
from mixer_viz.checkpoints.hub import PUBLISHED, Progress, fetch_weights, preparation_of, published_model
from mixer_viz.checkpoints.preparation import (
    Preparation,
    find_side_file,
    parse_json_object,
    parse_preparation,
    parse_side_file,
    read_side_file,
)
from mixer_viz.language import noted, noted_list
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.wording import shown


def load_model(
    name_or_path: str | Path, device: str | torch.device = "auto", progress: Progress | None = None
) -> MlpMixer:
    """A Mixer by bundled name, by timm name, or from a file of safetensors, NumPy (`.npz`) or PyTorch.

    A file is read by its content, whatever its ending (`.pth`, `.ckpt`, `.bin`, ...). The model is in eval mode with
    float32 weights that take no gradient; gradients with respect to pixels work. Preprocessing and class names come
    from the file itself, else from `<stem>.json` or `config.json` beside it, with the keys of `Preparation` or in
    timm's Hub layout. What none of them says is None. `model.remarks` says what was chosen in the file and what
    was left out.

    Args:
        device: as for `choose_device`.
        progress: called with bytes done and bytes in all while a published model is downloaded.

    Raises CheckpointError, one sentence for the user, when there is no such model or the file cannot be used.
    """
    chosen = choose_device(device)
    if isinstance(name_or_path, str):
        for bundled in bundled_models():
            if name_or_path == bundled.name:
                return _load_file(bundled.path, chosen)
        published = published_model(name_or_path)
        if published is not None:
            weights = read_weights(fetch_weights(published, progress))
            return build_model(weights.tensors, preparation_of(published), chosen)
        _check_looks_like_file(name_or_path)
    return _load_file(Path(name_or_path), chosen)


def load_model_bytes(
    data: bytes, filename: str, device: str | torch.device = "auto", side_file: bytes | None = None
) -> MlpMixer:
    """A Mixer from an uploaded weight file, as `load_model` does from a path.

    Args:
        data: the file's bytes, at most `uploads.MAX_UPLOAD_BYTES`.
        filename: for the words of an error; the content says which format it is.
        side_file: JSON with preprocessing and class names; see `load_model`. Not needed for this project's own files.

    Raises CheckpointError as `load_model` does.
    """
    chosen = choose_device(device)
    with uploaded_file(data, filename) as path:
        if side_file is not None:
            path.with_suffix(".json").write_bytes(side_file)
        return _load_file(path, chosen)


def _load_file(path: Path, device: torch.device) -> MlpMixer:
    weights = read_weights(path)
    stored = weights.metadata.get(CONFIG_KEY)
    if stored is None:
        return _with_side_file(weights.tensors, path, device)
    config, preparation = _read_stored(stored)
    model = build_model(weights.tensors, preparation, device)
    check_same_config(config, model)
    return model


def _read_stored(stored: str) -> tuple[MixerConfig, Preparation]:
    """The config that `save_model` put into the file's metadata."""
    try:
        config = MixerConfig.from_json(stored)
        return config, parse_preparation(parse_json_object(stored.encode()))
    except CheckpointError:
        raise
    except (ValueError, OverflowError) as exc:
        raise CheckpointError(
            noted("The config stored in this file is unusable: {reason}; export the model again.", reason=exc)
        ) from exc


_OTHER_SUFFIXES = (".bin", ".ckpt", ".tar")  # that are no model's name: the content says how they are read


def _with_side_file(tensors: dict[str, Tensor], path: Path, device: torch.device) -> MlpMixer:
    side_file = find_side_file(path)
    if side_file is None:
        return build_model(tensors, Preparation(), device)
    # An upload has a name of ours, which says nothing to its owner.
    name = None if path.stem == UPLOAD_STEM else side_file.name
    preparation = parse_side_file(read_side_file(side_file), name)
    called = noted("the side file") if name is None else shown(name)
    settings = noted("The settings in {file} beside these weights", file=called)
    model = build_model(tensors, preparation, device, settings)
    if preparation == Preparation():
        keys = noted_list(field.name for field in dataclasses.fields(Preparation))
        model.remarks += (
            noted("Nothing in {file} was used, as it has none of the entries {keys}.", file=called, keys=keys),
        )
    return model


def _check_looks_like_file(name: str) -> None:
    if Path(name).suffix.lower() in (*SUFFIXES, *_OTHER_SUFFIXES) or Path(name).exists():
        return
    known = [model.name for model in bundled_models()] + list(PUBLISHED)
    raise CheckpointError(
        noted(
            "There is no model or file called {name}; choose one of {models}, or the path of a {endings} file.",
            name=shown(name),
            models=noted_list(known),
            endings=noted_list(SUFFIXES),
        )
    )
