"""What the visitor has chosen: one model and one picture, as plain values that caches can be keyed by."""

from __future__ import annotations

import collections
import dataclasses
import functools
import hashlib

from mixer_viz.images.photos import known_classes_shown
from mixer_viz.language import current, noted, shown, speaking, tr
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.texts.from_files import literal, visible
from mixer_viz.texts.names.classes import class_in_words


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture to look at; `key` is the sample's name or the SHA-256 of the uploaded bytes."""

    key: str
    title: str
    data: bytes | None  # None for a sample, which is drawn or read by its name
    credit: str = ""
    expected: str | None = None
    shows: tuple[str, ...] | None = None  # the known classes that a sample shows; None for what nobody looked through

    @classmethod
    def from_upload(cls, name: str, data: bytes) -> Picture:
        return cls(hashlib.sha256(data).hexdigest(), visible(name), data)

    @property
    def said_title(self) -> str:
        """The title in the language of whoever is looking; a file's name as it is."""
        return tr(self.title) if self.data is None else self.title


@dataclasses.dataclass(frozen=True)
class UploadedWeights:
    """A visitor's own checkpoint with the side file that may come with it."""

    name: str
    data: bytes
    side_file: bytes | None = None

    @functools.cached_property  # hashing the largest takes seconds
    def key(self) -> str:
        parts = (hashlib.sha256(part).hexdigest() for part in (self.data, self.side_file or b""))
        return f"upload:{'-'.join(parts)}"


@dataclasses.dataclass(frozen=True)
class LabelledFolder:
    """A visitor's folder of labelled pictures."""

    files: tuple[tuple[str, bytes], ...]  # (relative path, content)
    uploads: tuple[str, ...] = ()  # which uploads it was read from

    @functools.cached_property  # hashing the largest takes a second
    def key(self) -> str:
        """SHA-256 of names and contents."""
        digest = hashlib.sha256()
        for name, data in self.files:
            digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(data).digest())
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class ChosenModel:
    """A loaded model under the key that its results are cached by.

    Names in fields, pictures and files for download are as they are; `shown` ones are for Markdown and plotly.
    """

    key: str
    title: str
    model: MlpMixer

    @property
    def config(self) -> MixerConfig:
        return self.model.config

    def unknowns(self) -> str:
        """What the checkpoint leaves open and what is assumed instead, in words; empty when it says all."""
        left_open = {
            tr("mean and standard deviation"): (self.config.mean is None or self.config.std is None, "0.5"),
            tr("interpolation"): (self.config.interpolation is None, tr("bicubic")),
            tr("crop"): (self.config.crop_pct is None, tr("the whole shorter side")),
            tr("class names"): (self.config.class_names is None, ""),
        }
        missing = {name: assumed for name, (is_open, assumed) in left_open.items() if is_open}
        if not missing:
            return ""
        assumed = tr(", ").join(f"{name} {value}" for name, value in missing.items() if value)
        *first, last = missing
        listed = tr("{list} or {last}", list=tr(", ").join(first), last=last) if first else last
        if assumed:
            listed = tr("{list}; assumed: {assumed}", list=listed, assumed=assumed)
        if first:
            return tr("{model} has no {list}. Add a JSON file to set them.", model=self.shown_title, list=listed)
        return tr("{model} has no {list}. Add a JSON file to set it.", model=self.shown_title, list=listed)

    def class_name(self, index: int) -> str:
        """The class's name, with its number where two classes have one name; the number alone where none is known."""
        names = self.config.class_names
        return _distinct_names(names)[index] if names else noted("class {index}", index=index)

    def known_classes_shown(self, picture: Picture) -> tuple[str, ...] | None:
        """This model's classes that the picture is known to show: empty for none of them, None where nobody knows."""
        return None if picture.shows is None else known_classes_shown(picture.shows, self.config.class_names)

    def shown_class_name(self, index: int) -> str:
        """`class_name` in the language of whoever is looking, for Markdown and plotly."""
        return literal(shown(class_in_words(self.class_name(index))))

    @property
    def shown_title(self) -> str:
        """The title for Markdown and plotly."""
        return literal(self.title)

    def all_class_names(self) -> list[str]:
        """`class_name` of every class."""
        names = self.config.class_names
        return list(_distinct_names(names)) if names else [self.class_name(index) for index in self._classes]

    def all_shown_class_names(self) -> list[str]:
        """`shown_class_name` of every class."""
        names = self.config.class_names
        if names:
            return list(_shown_names(names, current()))
        return [self.shown_class_name(index) for index in self._classes]

    @property
    def _classes(self) -> range:
        return range(self.config.num_classes)


@functools.lru_cache(maxsize=8)
def _distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    seen = [visible(name) for name in names]
    counts = collections.Counter(seen)
    return tuple(name if counts[name] == 1 else f"{name} (class {index})" for index, name in enumerate(seen))


@functools.lru_cache(maxsize=8)
def _shown_names(names: tuple[str, ...], language: str) -> tuple[str, ...]:
    with speaking(language):
        return tuple(literal(shown(class_in_words(name))) for name in _distinct_names(names))


@dataclasses.dataclass(frozen=True)
class Choice:
    """Model and picture of this visit."""

    model: ChosenModel
    picture: Picture
