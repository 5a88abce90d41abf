"""What whoever runs the server decides, by environment variables: all of them are here.

Each has a default for one's own computer and one for a server that strangers use (MIXER_EXPLORER_PUBLIC=on).
"""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mixer_viz.language import noted, noted_list

if TYPE_CHECKING:
    from mixer_viz.checkpoints import ModelInfo

PREFIX = "MIXER_EXPLORER_"
SOURCES = ("bundled", "published")  # that stand for all models from there
MAX_UPLOAD_MIB = 1024  # an L/16 in float32 has 833 MB; more is refused whatever is set
MAX_MIB = 2**20


class SettingError(ValueError):
    """A setting that cannot be used; one sentence."""


def _switch(text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise ValueError(noted("on or off"))
    return text.lower() == "on"


def _mebibytes(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            raise ValueError(noted("a whole number from 1 to {most:,}", most=most))
        return int(text)

    return read


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(
            noted(
                "names of models with commas between them, or {first} or {second}", first=SOURCES[0], second=SOURCES[1]
            )
        )
    return names


def _ancestors(text: str) -> str:
    if not text or any(letter in text for letter in ";,\r\n") or not text.isascii():
        raise ValueError(noted("sources between spaces, such as 'self' https://example.org"))
    return text


def _replica(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", text):
        raise ValueError(noted("at most 32 letters, digits, _ and -"))
    return text


def _address(text: str) -> tuple[str, int] | None:
    if text.lower() == "off":
        return None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 2**16):
        raise ValueError(noted("off, or an address and a port, such as 127.0.0.1:9101"))
    return host.strip("[]"), int(port)


def _log(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError(noted("text or json"))
    return text


@dataclasses.dataclass(frozen=True)
class Variable:
    """One environment variable; its field of `Settings` has the same name in small letters."""

    name: str  # without PREFIX
    read: Callable[[str], Any]  # ValueError says what it must be
    default: str
    public: str  # the default on a public server
    means: str

    @property
    def field(self) -> str:
        return self.name.lower()


VARIABLES = (
    Variable(
        "PUBLIC", _switch, "off", "on", "strangers use this server: the other settings default to the right column"
    ),
    Variable(
        "MODELS",
        _names,
        "bundled, published",
        "bundled",
        "the models offered, the first one shown first: names, `bundled` or `published`",
    ),
    Variable(
        "DOWNLOADS", _switch, "on", "off", "whether published models are downloaded; without, those on disk are offered"
    ),
    Variable("TRAINING", _switch, "on", "off", 'whether visitors can train on "Watch it learn"'),
    Variable("UPLOAD_MIB", _mebibytes(MAX_UPLOAD_MIB), "1024", "64", "the largest single file, MiB"),
    Variable("VISITOR_MIB", _mebibytes(MAX_MIB), "2304", "160", "what one visitor may have uploaded at a time, MiB"),
    Variable("UPLOADS_MIB", _mebibytes(MAX_MIB), "4096", "512", "what all visitors together may, MiB"),
    Variable("FRAME_ANCESTORS", _ancestors, "'self'", "'self'", "who may show the app in a frame"),
    Variable("REPLICA", _replica, "", "", "this server's name behind a proxy, which a cookie keeps its visitors to"),
    Variable("METRICS", _address, "off", "off", "where Prometheus reads figures, such as 127.0.0.1:9101"),
    Variable("LOG", _log, "text", "json", "text, or a JSON object a line without file names and values"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings in force."""

    public: bool
    models: tuple[str, ...]  # names, or of SOURCES
    downloads: bool
    training: bool
    upload_mib: int
    visitor_mib: int
    uploads_mib: int
    frame_ancestors: str
    replica: str  # empty where there is one server alone
    metrics: tuple[str, int] | None  # host and port
    log: str

    def offered(self, infos: Sequence[ModelInfo]) -> list[ModelInfo]:
        """Of all models those that visitors can choose, in the order of the setting: the first one is shown first.

        Raises SettingError for unknown names, and for none left.
        """
        known = {*SOURCES, *(info.name for info in infos)}
        if unknown := [name for name in self.models if name not in known]:
            raise SettingError(
                noted(
                    "{prefix}MODELS names {unknown!r}; there are {names}.",
                    prefix=PREFIX,
                    unknown=unknown[0],
                    names=noted_list(sorted(known)),
                )
            )
        source = {"bundled": "bundled", "timm": "published"}
        chosen = [
            info
            for info in infos
            if (info.name in self.models or source[info.source] in self.models) and (self.downloads or info.on_disk)
        ]
        if not chosen:
            raise SettingError(
                noted(
                    "{prefix}MODELS offers nothing that is on this computer, and {prefix}DOWNLOADS is off; add "
                    "bundled.",
                    prefix=PREFIX,
                )
            )
        named = [*self.models, *SOURCES]
        return sorted(
            chosen,
            key=lambda info: min(
                named.index(info.name) if info.name in named else len(named), named.index(source[info.source])
            ),
        )

    def largest_mib(self, most_mib: int) -> int:
        """The bound of one upload field, in MiB."""
        return min(most_mib, self.upload_mib)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; raises SettingError that names the first one that cannot be used.

    A name with PREFIX that does not exist is an error, too: it would be a bound that nobody keeps.
    """
    names = {PREFIX + variable.name for variable in VARIABLES}
    if unknown := sorted(name for name in environment if name.startswith(PREFIX) and name not in names):
        raise SettingError(
            noted(
                "There is no setting {unknown}; there are {names}.",
                unknown=unknown[0],
                names=noted_list(sorted(names)),
            )
        )
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        default = variable.public if values.get("public") else variable.default
        if variable.name == "PUBLIC":
            default = variable.default
        given = environment.get(PREFIX + variable.name, "").strip() or default
        try:
            values[variable.field] = variable.read(given)
        except ValueError as exc:
            raise SettingError(
                noted(
                    "{prefix}{name} is {given!r}; it must be {reason}.",
                    prefix=PREFIX,
                    name=variable.name,
                    given=given[:80],
                    reason=exc,
                )
            ) from exc
    return Settings(**values)


@functools.lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this server, read once; raises SettingError as `read_settings` does."""
    return read_settings(os.environ)
