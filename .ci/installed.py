"""Uses the installed package as someone without the checkout does; .ci/run calls it in an environment of its own.

In a folder that is empty at first: the library, the pages, the app's server, and a small training.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

import mixer_viz as mv
from mixer_viz.images.samples import load_sample
from mixer_viz.paths import app_folder

COMMANDS = Path(sys.executable).parent
SECONDS = 180  # to start, or to run a page for the first time; a busy machine is slow
TINY = "--image-size 8 --patch-size 4 --embed-dim 8 --num-blocks 1 --tokens-mlp-dim 4 --channels-mlp-dim 8 --epochs 1"


def check_library() -> None:
    assert Path(mv.__file__).is_relative_to(sys.prefix), f"{mv.__file__} is not the installed package"
    assert app_folder().is_relative_to(sys.prefix), app_folder()
    bundled = {"mixer_cifar10", "mixer_everyday", "small_muon", "small_muon_all"}
    assert {info.name for info in mv.available_models() if info.on_disk} == bundled
    model = mv.load_model("mixer_cifar10", "cpu")
    pixels = mv.preprocess(load_sample("cat"), model)
    traced = mv.trace(model, pixels)
    target = int(traced.logits[0].argmax())
    assert (model.config.class_names or ())[target] == "cat"
    result = mv.attribute(model, pixels, target, method="integrated_gradients")
    assert result.patch_map.shape == (64,)


def check_pages() -> None:
    """Every page, run without a browser, shows its own title and neither a traceback nor a sentence in red."""
    pages = sorted(path.name for path in (app_folder() / "pages").glob("*.py"))
    assert "overview.py" in pages
    titles = set()
    for name in pages:
        app = AppTest.from_file(str(app_folder() / "app.py"), default_timeout=SECONDS)
        if name != "overview.py":
            app.switch_page(f"pages/{name}")
        app.run()
        assert not app.exception, f"{name}: {app.exception}"
        assert not app.error, f"{name}: {[element.value for element in app.error]}"
        assert len(app.sidebar.selectbox) == 2, name
        titles.add(app.title[0].value)
    assert len(titles) == len(pages), titles


def check_server() -> None:
    """`mixer-explorer` starts on the port that it is told, and Overview runs in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [str(COMMANDS / "mixer-explorer"), "--server.headless=true", "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), "--server.scriptHealthCheckEnabled", "true"]
    with Path("server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        until_healthy(url, server)
        for path in (
            "/",
            "/patches",
            "/_stcore/script-health-check",
        ):  # the last one runs app.py and answers 503 if it fails
            with urllib.request.urlopen(url + path, timeout=SECONDS) as answer:
                assert answer.status == 200, path
    finally:
        server.terminate()
        server.wait(30)
    log_text = Path("server.log").read_text(encoding="utf-8")
    assert "Uncaught" not in log_text, log_text


def until_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"mixer-explorer did not start:\n{Path('server.log').read_text(encoding='utf-8')}")


def check_training() -> None:
    """`mixer-train` explains itself under its own name, and what it trains is read again."""
    shown = subprocess.run([COMMANDS / "mixer-train", "--help"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("usage: mixer-train "), shown[:200]
    noise = np.random.default_rng(0)
    for number in range(16):
        folder = Path("pictures") / ("a", "b")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    command = [str(COMMANDS / "mixer-train"), "--data", "pictures", "--out", "run", *TINY.split()]
    subprocess.run([*command, "--batch-size", "4", "--device", "cpu", "--workers", "0", "--quiet"], check=True)
    assert mv.load_model("run/model.safetensors", "cpu").config.class_names == ("a", "b")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(Path(folder) / "hub")}
        for check in (check_library, check_pages, check_server, check_training):
            begun = time.monotonic()
            check()
            print(f"installed package: {check.__name__} {time.monotonic() - begun:.0f} s", flush=True)
        os.chdir("/")  # some systems cannot remove the current folder


if __name__ == "__main__":
    main()
