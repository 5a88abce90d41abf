"""The sidebar's models: bundled, published, and a visitor's own checkpoint."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import hub, save_model
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.model import MlpMixer
from mixer_viz.ui.sidebar.model_picker import OWN
from tests.app.driving import chart, check, crop_of, errors, go, panel, start, top_class, upload_weights
from tests.checkpoints.checkpoint_files import timm_tensors, write

BUNDLED = "mixer_cifar10"
B16 = "mixer_b16_224.goog_in21k_ft_in1k"
UNKNOWN = {"mean": None, "std": None, "interpolation": None, "crop_pct": None, "class_names": None}


@pytest.fixture
def own_file(make_model: Callable[..., MlpMixer], tmp_path: Path) -> bytes:
    """The project's own format: 16 tokens, class names inside."""
    save_model(make_model(), tmp_path / "own.safetensors")
    return (tmp_path / "own.safetensors").read_bytes()


@pytest.fixture
def timm_file(make_model: Callable[..., MlpMixer], tmp_path: Path) -> bytes:
    """timm's naming as .pth, which says neither class names nor preprocessing."""
    return write(tmp_path / "timm.pth", timm_tensors(make_model(**UNKNOWN))).read_bytes()


def test_models_on_disk_and_on_the_hub_are_offered(app: AppTest) -> None:
    assert app.selectbox(key="model").value == BUNDLED
    assert len(app.selectbox(key="model").options) == len(bundled_models()) + len(hub.PUBLISHED)


@pytest.mark.parametrize("page", ["overview", "patches"])
def test_without_a_network_a_published_model_is_one_sentence(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline() -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(hub, "_check_network", offline)
    app = start(page)
    crop = crop_of(app)
    app.selectbox(key="model").select(B16).run()
    (sentence,) = errors(app)
    assert B16 in sentence
    assert BUNDLED in sentence
    assert app.selectbox(key="model").value == B16
    app.selectbox(key="model").select(BUNDLED).run()
    check(app, page)
    assert crop_of(app) == crop


def test_a_download_is_followed_by_the_page(
    app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"image_size": 224, "patch_size": 16, "num_blocks": 1, "num_classes": 1000}
    path = write(tmp_path / "model.safetensors", timm_tensors(make_model(**sizes, **UNKNOWN)))
    asked = []

    def download(repo_id: str, filename: str, *, tqdm_class: type) -> str:
        asked.append((repo_id, filename))
        with tqdm_class(total=100) as bar:
            bar.update(40)
        monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(path))
        return str(path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    app.selectbox(key="model").select(B16).run()
    check(app, "overview")
    assert asked == [(f"timm/{B16}", "model.safetensors")]
    assert panel(app, "front")["grids"][1]["rows"] == 14
    check(app.run(), "overview")
    assert app.selectbox(key="model").value == B16
    check(go(app, "patches"), "patches")
    assert asked == [(f"timm/{B16}", "model.safetensors")]


def test_own_file_works_on_both_pages(app: AppTest, own_file: bytes) -> None:
    check(upload_weights(app, "own.safetensors", own_file), "overview")
    assert top_class(app).startswith("class ")
    assert "unknown" not in top_class(app)
    assert panel(app, "front")["grids"][1]["rows"] == 4
    check(go(app, "patches"), "patches")
    assert panel(app, "patch-panel")["grids"][0]["rows"] == 4
    check(go(app, "overview"), "overview")
    assert panel(app, "front")["grids"][1]["rows"] == 4


def test_file_without_names_and_preprocessing_says_so(app: AppTest, timm_file: bytes) -> None:
    check(upload_weights(app, "timm.pth", timm_file), "overview")
    assert re.fullmatch(r"class \d", chart(app, "classes")["hovertext"][0])
    assert any("does not name its 10 classes" in caption.value for caption in app.caption)
    check(go(app, "patches"), "patches")


def test_side_file_brings_the_names(app: AppTest, timm_file: bytes) -> None:
    upload_weights(app, "timm.pth", timm_file)
    names = b'{"class_names": ["a0","a1","a2","a3","a4","a5","a6","a7","a8","a9"]}'
    app.file_uploader(key="side_file").upload("names.json", names).run()
    check(app, "overview")
    assert set(chart(app, "classes")["hovertext"]) < {f"a{index}" for index in range(10)}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.safetensors", b"this is no checkpoint"),
        ("empty.pth", b""),
        ("zip.npz", b"PK\x03\x04"),
    ],
)
def test_bad_file_is_refused_and_the_old_model_stays(app: AppTest, own_file: bytes, name: str, data: bytes) -> None:
    upload_weights(app, "own.safetensors", own_file)
    before = panel(app, "front")
    (sentence,) = errors(upload_weights(app, name, data))
    assert sentence.endswith(".")
    assert panel(app, "front") == before
    assert app.selectbox(key="model").value == OWN
    app.selectbox(key="model").select(BUNDLED).run()
    assert panel(app, "front")["grids"][1]["rows"] == 8


@pytest.mark.parametrize("then", ["remove", "another model"])
def test_the_message_goes_with_the_bad_file(app: AppTest, own_file: bytes, then: str) -> None:
    upload_weights(app, "own.safetensors", own_file)
    assert errors(upload_weights(app, "text.safetensors", b"this is no checkpoint"))
    if then == "remove":
        app.file_uploader(key="weights_file").set_value(None).run()
    else:
        app.selectbox(key="model").select(BUNDLED).run()
    check(app, "overview")


@pytest.mark.parametrize("page", ["overview", "patches"])
def test_token_beyond_the_new_models_last_is_clamped(page: str, own_file: bytes) -> None:
    app = start(page)
    app.number_input(key="token").set_value(63).run()
    check(upload_weights(app, "own.safetensors", own_file), page)
    assert app.number_input(key="token").value == 15
    assert app.number_input(key="token").max == 15
    assert panel(app, "front" if page == "overview" else "patch-panel")["selected"] == 15


def test_two_visitors_do_not_share_a_checkpoint(
    app: AppTest, own_file: bytes, make_model: Callable[..., MlpMixer], tmp_path: Path
) -> None:
    other = start()
    upload_weights(app, "same name.safetensors", own_file)
    other.run()
    assert OWN not in other.selectbox(key="model").options
    save_model(make_model(patch_size=4), tmp_path / "four.safetensors")
    upload_weights(other, "same name.safetensors", (tmp_path / "four.safetensors").read_bytes())
    assert [panel(visitor.run(), "front")["grids"][1]["rows"] for visitor in (app, other)] == [4, 2]
