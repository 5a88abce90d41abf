"""Which pictures there are to learn from: drawn ones, CIFAR-10 where it is on disk, and a visitor's folder."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mixer_viz.images import ImageError
from mixer_viz.images.labelled_folder import LabelledImages, class_folders_of, labelled_images
from mixer_viz.language import mark, noted, tr
from mixer_viz.model import MixerConfig
from mixer_viz.texts import learning as texts
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.training.data.drawn import DRAWN_TASKS, SIZE
from mixer_viz.training.data.labelled import CIFAR10
from mixer_viz.training.data.pictures import Pictures, PictureSet, check_classes, divided, find_cifar10, read_cifar10
from mixer_viz.ui.choices import LabelledFolder
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.widgets.folder import kept_folder, labelled_folder

FOLDER = "folder"


def names_of_pictures() -> list[str]:
    """What may be chosen here, as links and the training command call it."""
    return [*DRAWN_TASKS, *([] if _cifar10_root() is None else [CIFAR10]), FOLDER]


def chosen_pictures(name: str) -> Pictures | None:
    """The pictures of that name; None for a folder that was not brought yet.

    Raises ValueError, one sentence, for those from which nothing can be learned.
    """
    if name in DRAWN_TASKS:
        return DRAWN_TASKS[name]
    if name == CIFAR10:
        return _cifar10()
    folder = kept_folder()
    if folder is None:
        return None
    found = _pictures_of(folder)
    if isinstance(found, str):
        raise ValueError(found)
    return found


def bring_folder() -> None:
    """The field for a folder, with what becomes of it."""
    st.markdown(tr(texts.FOLDER))
    labelled_folder(_sizes(()))


@kept("single")
def _cifar10_root() -> Path | None:
    return find_cifar10()


@kept("single", mark("Reading CIFAR-10 …"))
def _cifar10() -> PictureSet:
    root = _cifar10_root()
    if root is None:
        raise ValueError(noted("CIFAR-10 is not on the computer that runs this app."))
    return read_cifar10(root)


@kept("folder", mark("Reading your pictures …"), per_visit=True)
def _pictures_of(folder: LabelledFolder) -> PictureSet | str:
    try:
        names = class_folders_of(folder.files)
        check_classes(names)  # before any picture is read
        read: LabelledImages = labelled_images(folder.files, _sizes(names))
        return divided(read.images, read.labels, names, texts.YOUR_PICTURES)
    except (ImageError, ValueError) as exc:
        return noted("{error}", error=exc)  # kept as well: reading up to the fault may have taken many seconds


def _sizes(names: tuple[str, ...]) -> MixerConfig:
    """What reading pictures needs to know of the network: its image size, and what the classes are called."""
    return MixerConfig(
        image_size=SIZE,
        patch_size=SIZE,
        embed_dim=1,
        num_blocks=1,
        tokens_mlp_dim=1,
        channels_mlp_dim=1,
        num_classes=max(1, len(names)),
        class_names=names or None,
        interpolation="bilinear",
        crop_pct=1.0,
    )


def shown_classes(pictures: Pictures) -> tuple[str, ...]:
    """Class names for Markdown, in the language of whoever is looking: those of folders can be anything."""
    return tuple(literal(class_in_words(name), 40) for name in pictures.class_names)
