"""What an environment says, what it leaves open, and what it gets wrong; the document has every setting."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mixer_viz.checkpoints import ModelInfo
from mixer_viz.ui.serving.settings import PREFIX, VARIABLES, SettingError, read_settings

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `MIXER_EXPLORER_(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def info(name: str, source: str, on_disk: bool) -> ModelInfo:
    return ModelInfo(name, source, "", None, "", 1, on_disk)  # type: ignore[arg-type]


ALL = [info("mine", "bundled", True), info("kept", "timm", True), info("far", "timm", False)]


def given(**values: str) -> dict[str, str]:
    return {PREFIX + name: value for name, value in values.items()}


def offered(**values: str) -> list[str]:
    return [info.name for info in read_settings(given(**values)).offered(ALL)]


def test_at_home_everything_is_on() -> None:
    found = read_settings({"HOME": "/root"})
    assert (found.public, found.downloads, found.training, found.metrics, found.log) == (
        False,
        True,
        True,
        None,
        "text",
    )
    assert (found.upload_mib, found.visitor_mib, found.uploads_mib) == (1024, 2304, 4096)
    assert offered() == ["mine", "kept", "far"]


def test_a_public_server_is_careful_and_each_setting_can_be_eased() -> None:
    found = read_settings(given(PUBLIC="on"))
    assert (found.public, found.downloads, found.training, found.log) == (True, False, False, "json")
    assert (found.upload_mib, found.visitor_mib, found.uploads_mib) == (64, 160, 512)
    assert offered(PUBLIC="on") == ["mine"]
    eased = read_settings(given(PUBLIC="on", TRAINING="on", UPLOAD_MIB="100"))
    assert (eased.training, eased.upload_mib, eased.downloads) == (True, 100, False)


def test_no_default_of_a_public_server_allows_more() -> None:
    home, public = read_settings({}), read_settings(given(PUBLIC="on"))
    for name in ("downloads", "training", "upload_mib", "visitor_mib", "uploads_mib"):
        assert getattr(public, name) < getattr(home, name), name


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"DOWNLOADS": "off"}, ["mine", "kept"]),
        ({"MODELS": "far, bundled, published"}, ["far", "mine", "kept"]),
        ({"MODELS": "bundled"}, ["mine"]),
        ({"MODELS": "published"}, ["kept", "far"]),
        ({"MODELS": " far , mine,"}, ["far", "mine"]),
        ({"MODELS": "far, bundled", "DOWNLOADS": "off"}, ["mine"]),
    ],
)
def test_models_that_are_offered(values: dict[str, str], names: list[str]) -> None:
    assert offered(**values) == names


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"MODELS": "mine, other"}, "MODELS names 'other'; there are bundled, far, kept, mine, published."),
        ({"MODELS": "far", "DOWNLOADS": "off"}, "offers nothing that is on this computer"),
    ],
)
def test_models_that_cannot_be_offered(values: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=re.escape(words)):
        offered(**values)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PUBLIC", "yes", "on or off"),
        ("UPLOAD_MIB", "0", "a whole number from 1 to 1,024"),
        ("UPLOAD_MIB", "1025", "a whole number from 1 to 1,024"),
        ("UPLOADS_MIB", "4 GB", "a whole number"),
        ("UPLOADS_MIB", "9" * 5000, "a whole number"),
        ("VISITOR_MIB", "-1", "a whole number"),
        ("MODELS", ",", "names of models"),
        ("METRICS", "9101", "off, or an address and a port"),
        ("METRICS", "127.0.0.1:70000", "off, or an address and a port"),
        ("METRICS", "127.0.0.1:", "off, or an address and a port"),
        ("LOG", "xml", "text or json"),
        ("REPLICA", "one; Path=/x", "at most 32 letters"),
        ("REPLICA", "a\r\nb", "at most 32 letters"),
        ("FRAME_ANCESTORS", "'self'; script-src *", "sources between spaces"),
        ("FRAME_ANCESTORS", "a\r\nSet-Cookie: b=c", "sources between spaces"),
        ("FRAME_ANCESTORS", "ä.example", "sources between spaces"),
        ("TRANING", "off", "There is no setting MIXER_EXPLORER_TRANING"),
    ],
)
def test_a_mistake_is_one_short_sentence(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingError, match=re.escape(words)) as caught:
        read_settings(given(**{name: value}))
    assert f"{PREFIX}{name}" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_addresses() -> None:
    assert read_settings(given(METRICS="0.0.0.0:9101")).metrics == ("0.0.0.0", 9101)
    assert read_settings(given(METRICS="[::1]:9101")).metrics == ("::1", 9101)


def test_the_document_has_every_setting_with_its_defaults() -> None:
    rows = ROW.findall((ROOT / "docs" / "serving.md").read_text(encoding="utf-8"))
    told = [(name, default.strip("`"), public.strip("`")) for name, _, default, public in rows]
    assert told == [(each.name, each.default, "" if each.name == "PUBLIC" else each.public) for each in VARIABLES]
    assert {name: means for name, means, *_ in rows} == {each.name: each.means for each in VARIABLES}


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "mixer_viz" / "ui").rglob("*.py")
        if "os.environ" in path.read_text(encoding="utf-8")
    ]
    folder = "mixer_viz/ui/serving"
    assert sorted(readers) == [f"{folder}/{name}.py" for name in ("doctor", "health", "settings")]
    assert not any(name.startswith(PREFIX) for name in os.environ)  # the tests see the defaults
