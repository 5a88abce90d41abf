"""What a computer lacks, and files of the app that are damaged: a sentence each, and what else is there goes on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.analysis import overview
from mixer_viz.checkpoints import bundled, save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.compute import uploads
from mixer_viz.ui.widgets.errors import NO_MEMORY
from tests.app.comparison.driving import COSTS, PHOTO, made_assets, open_page, write_networks
from tests.app.driving import BUNDLED, ROOT, check, errors, made_png, panel, start, upload_picture, upload_weights

pytestmark = pytest.mark.own_caches  # what is broken here must not be found whole in a cache


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("page", ["overview", "patches"])
def test_cut_bundled_weights_are_a_sentence(
    page: str, make_model: Callable[..., MlpMixer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in (".safetensors", ".json"):
        shutil.copy(bundled.ASSETS_DIR / f"{BUNDLED}{suffix}", tmp_path)
    cut(tmp_path / f"{BUNDLED}.safetensors")
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    app = start(page)
    (sentence,) = errors(app)
    assert "went wrong" not in sentence
    save_model(make_model(), tmp_path / "own")
    check(upload_weights(app, "own.safetensors", (tmp_path / "own").read_bytes()), page)


def full(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_temporary_folder_refuses_an_upload_in_a_sentence(
    app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(make_model(), tmp_path / "own")
    data = (tmp_path / "own").read_bytes()
    before = panel(app, "front")
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryDirectory", full)
        (sentence,) = errors(upload_weights(app, "own.safetensors", data))
    assert sentence.startswith("This upload could not be stored on the server (No space left on device); make room")
    assert sentence.endswith("The model before it stays.")
    assert panel(app, "front") == before
    check(upload_weights(app, "own.safetensors", data), "overview")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("can't start new thread"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_too_little_memory_is_a_sentence(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(overview, "overview_of", fail)
        app = start()
        assert errors(app) == [NO_MEMORY]
    check(app.run(), "overview")


def test_one_damaged_network_of_the_comparison_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = made_assets(tmp_path)
    write_networks(assets)
    monkeypatch.setattr(bundled, "ASSETS_DIR", assets)
    cut(assets / "compared" / "convolution-none-0.safetensors")
    for part in (PHOTO, COSTS):
        app = open_page(part)
        assert errors(app) == []
        (warning,) = [each.value for each in app.warning]
        assert warning.startswith("convolution-none-0 is left out: ")
        assert len(app.table) >= 1


def test_uploads_of_all_visitors_are_bounded(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    room = uploads.UploadRoom(10_000, 1_000_000)
    monkeypatch.setattr(uploads, "upload_room", lambda: room)
    monkeypatch.setattr(uploads, "is_connected", lambda visitor: True)
    small, large = made_png(size=(20, 20)), made_png(size=(90, 90))
    assert len(small) < 5_000 < 10_000 < len(large)
    check(upload_picture(app, "small.png", small), "overview")
    before = panel(app, "front")
    (sentence,) = errors(upload_picture(app, "large.png", large))
    assert "all that it keeps; bring a smaller file, or try again later." in sentence
    assert panel(app, "front") == before


def test_too_little_address_space_is_a_sentence_before_anything_is_mapped() -> None:
    script = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, resource.RLIM_INFINITY))
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run()
print([error.value for error in app.error], len(app.exception), "torch" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.stdout.startswith("['PyTorch could not be started on the computer that runs this app"), run.stderr
    assert run.stdout.endswith("] 0 False\n")


def test_libraries_that_cannot_be_loaded_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mixer_viz.ui.sidebar.shell", None)
    app = start()
    assert not app.exception
    (sentence,) = [error.value for error in app.error]
    assert sentence.startswith("PyTorch could not be started on the computer that runs this app")
