"""Published models under timm's names, from a Hub made by the test."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import huggingface_hub
import pytest
import torch
from huggingface_hub import errors as hub_errors
from safetensors.torch import load_file

from mixer_viz.checkpoints import hub, load_model
from mixer_viz.checkpoints.hub import PUBLISHED
from mixer_viz.model import MixerConfig, MlpMixer
from tests.checkpoints.checkpoint_files import timm_tensors, write

B16 = "mixer_b16_224.goog_in21k_ft_in1k"
MIIL = "mixer_b16_224.miil_in21k_ft_in1k"


@pytest.fixture
def small_b16(monkeypatch: pytest.MonkeyPatch) -> MlpMixer:
    """A Mixer with B/16's image, patches and classes but only one narrow block."""
    torch.manual_seed(4)
    sizes = {"image_size": 224, "patch_size": 16, "embed_dim": 4, "tokens_mlp_dim": 3, "channels_mlp_dim": 5}
    model = MlpMixer(MixerConfig(num_blocks=1, num_classes=1000, **sizes)).eval().requires_grad_(False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: pytest.fail("asked the Hub"))
    return model


def test_published_model_is_fetched_under_its_own_name(
    tmp_path: Path, small_b16: MlpMixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "model.safetensors", timm_tensors(small_b16))
    asked: list[tuple[str, str]] = []

    def download(repo_id: str, filename: str) -> str:
        asked.append((repo_id, filename))
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    loaded = {name: load_model(name, "cpu") for name in (B16, MIIL, "mixer_b16_224")}

    assert asked == [(f"timm/{name}", "model.safetensors") for name in (B16, MIIL, B16)]
    goog, miil = loaded[B16].config, loaded[MIIL].config
    assert (goog.mean, goog.std, goog.interpolation, goog.crop_pct) == ((0.5,) * 3, (0.5,) * 3, "bicubic", 0.875)
    assert (miil.mean, miil.std, miil.interpolation, miil.crop_pct) == ((0.0,) * 3, (1.0,) * 3, "bilinear", 0.875)
    assert loaded["mixer_b16_224"].config == goog
    assert goog.gelu == "erf"
    assert goog.class_names is not None
    assert goog.class_names[0].startswith("tench")
    assert goog.class_names[999].startswith("toilet tissue")
    pixels = torch.randn(1, 3, 224, 224)
    assert torch.equal(loaded[B16](pixels), small_b16(pixels))


def test_cached_model_loads_without_asking_the_hub(
    tmp_path: Path, small_b16: MlpMixer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "model.safetensors", timm_tensors(small_b16))
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: str(path))
    assert torch.equal(load_model(B16, "cpu").head.weight, load_file(path)["head.weight"])


@pytest.mark.parametrize(("num_classes", "first"), [(1000, "tench"), (11221, "benthos"), (21843, "organism")])
def test_imagenet_names_without_a_network(num_classes: int, first: str) -> None:
    names = hub.imagenet_class_names(num_classes)
    assert names is not None
    assert len(names) == num_classes
    assert names[0].startswith(first)
    assert hub.imagenet_class_names(17) is None


def test_published_sizes_agree_with_timm() -> None:
    timm_models = pytest.importorskip("timm.models")
    tags = {f"{tag}" for tag in timm_models.list_pretrained("mixer_*")}
    assert tags == set(PUBLISHED)
    for model in PUBLISHED.values():
        cfg = timm_models.get_pretrained_cfg(model.name)
        assert (cfg.num_classes, cfg.hf_hub_id) == (model.num_classes, model.repo_id)
        said = hub.preparation_of(model)
        complete = dataclasses.replace(model.config, **{**dataclasses.asdict(said), "image_size": cfg.input_size[-1]})
        assert complete.mean == tuple(cfg.mean)


def test_progress_counts_bytes(tmp_path: Path, small_b16: MlpMixer, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "model.safetensors", timm_tensors(small_b16))

    def download(repo_id: str, filename: str, *, tqdm_class: type) -> str:
        with tqdm_class(total=100, initial=10, unit="B", unit_scale=True, desc=filename) as bar:
            for size in (30, 60):
                bar.update_transfer(size)
                bar.update(size)
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    calls: list[tuple[int, int]] = []
    load_model(B16, "cpu", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(40, 100), (100, 100)]


def test_progress_class_works_in_the_hubs_own_download_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = bytes(range(256)) * 4
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body))
    monkeypatch.setattr(huggingface_hub.utils._http, "_GLOBAL_CLIENT", httpx2.Client(transport=transport))
    calls: list[tuple[int, int]] = []
    bar = hub._progress_bar(lambda done, total: calls.append((done, total)))
    with (tmp_path / "x").open("wb") as file:
        huggingface_hub.file_download.http_get("https://huggingface.co/x", file, tqdm_class=bar)
    assert calls[-1] == (1024, 1024)
    assert (tmp_path / "x").read_bytes() == body
    assert capsys.readouterr() == ("", "")


RESPONSE = httpx2.Response(503, request=httpx2.Request("GET", "https://huggingface.co"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (hub_errors.LocalEntryNotFoundError("offline"), "are not on this computer and could not be downloaded"),
        (hub_errors.OfflineModeIsEnabled("offline"), "are not on this computer and could not be downloaded"),
        (httpx2.ConnectError("no route"), "are not on this computer and could not be downloaded"),
        (ConnectionResetError("reset"), "connect to the network once"),
        (OSError(28, "No space left on device"), "could not be stored (No space left on device)"),
        (RuntimeError("xet session lost"), "could not be downloaded (RuntimeError)"),
        (hub_errors.HfHubHTTPError("busy", response=RESPONSE), "refused to send"),
        (hub_errors.RepositoryNotFoundError("gone", response=RESPONSE), f"no repository timm/{B16}"),
    ],
)
def test_download_that_fails(
    bundled_model: MlpMixer, refused, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def download(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with refused(said):
        load_model(B16, "cpu")
    with refused("or use a bundled model (mixer_cifar10), which works offline."):
        load_model(B16, "cpu")


def test_real_client_in_offline_mode(tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with refused("are not on this computer and could not be downloaded (LocalEntryNotFoundError)"):
        load_model(B16, "cpu", progress=lambda *_: None)


def test_without_a_network_the_hub_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], AbstractContextManager[None]]
) -> None:
    def unknown_host(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.undo()  # the real check, on a computer that knows no host
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: pytest.fail("asked the Hub"))
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", unknown_host)
    with refused("could not be downloaded"):
        load_model(B16, "cpu")
