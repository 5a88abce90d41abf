"""The command line: refusals in one sentence, Ctrl-C, and several processes."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import mixer_viz as mv
from mixer_viz.training.cli import main
from mixer_viz.training.state import CHECKPOINT_FORMAT, CHECKPOINT_HOLDS, RunFolder, read_checkpoint
from tests.training.conftest import MakeTree
from tests.training.made_runs import arguments, resume, stop_after, write_tree

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on stderr."""
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.endswith("\n")
    assert message.count("\n") == 1
    return message.strip()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data and the folder of a run that was stopped after its first step; tests leave it as it is."""
    root = tmp_path_factory.mktemp("stopped")
    data = write_tree(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        stop_after(1, patch)
        assert main(arguments(data, root / "out")) == 130
    return data, root / "out"


def damage(data: Path, number: int) -> None:
    victim = data / "train" / "upper" / f"{number:02}.png"
    victim.write_bytes(victim.read_bytes()[:60])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 1000}, "32 images do not fill a batch of 1000"),
        ({"image_size": 9}, "image_size=9 is not a multiple of patch_size=2"),
        ({"epochs": 0}, "epochs=0 must be above 0"),
        ({"min_lr": 1.0}, "min_lr=1.0 must not exceed lr=0.01"),
    ],
)
def test_a_mistake_in_the_recipe_writes_nothing(
    changes: dict[str, Any], words: str, make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(make_tree(), tmp_path / "out", **changes)) == 2
    assert words in refused(capsys)
    assert not (tmp_path / "out").exists()


def test_missing_data_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path / "nowhere", tmp_path / "out")) == 2
    assert "There is no folder" in refused(capsys)
    assert not (tmp_path / "out").exists()


def test_a_damaged_image_is_met_before_anything_is_written(
    make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_tree()
    damage(data, 3)
    assert main(arguments(data, tmp_path / "out")) == 2
    assert "upper/03.png is not an image that can be read" in refused(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_that_a_worker_meets_is_still_one_sentence(
    workers: int,
    make_tree: MakeTree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # torch waits so long for a worker whose loader was dropped in a reference cycle, as its own exceptions make one.
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.2)
    data = make_tree(size=16)  # not the network's size, so read while training
    damage(data, 3)
    assert main(arguments(data, tmp_path / "out", workers, epochs=1)) == 2
    gc.collect()
    assert refused(capsys).startswith(f"error: {data}/train/upper/03.png is not an image")


def test_a_device_that_is_not_there(make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments(make_tree(), tmp_path / "out"), "--device=abacus"]) == 2
    assert "There is no device 'abacus'" in refused(capsys)


def test_an_out_that_is_a_file(make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("mine")
    assert main(arguments(make_tree(), tmp_path / "out")) == 2
    assert "choose another --out" in refused(capsys)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_used_folder_is_refused_without_resume(
    stopped: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = stopped
    before = (out / "last.pt").read_bytes()
    assert main(arguments(data, out)) == 2
    assert "holds a run already; add --resume" in refused(capsys)
    assert (out / "last.pt").read_bytes() == before


def test_another_option_than_at_the_start_is_refused(
    stopped: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert resume(*stopped, 0, "--embed-dim=16") == 2
    assert "started with --embed-dim 12; leave --embed-dim away" in refused(capsys)


def test_other_classes_than_at_the_start_are_refused(
    stopped: tuple[Path, Path], make_tree: MakeTree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert resume(make_tree(classes=("left", "right")), stopped[1]) == 2
    assert "other classes than the run" in refused(capsys)


def test_another_number_of_processes_is_refused(
    stopped: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = read_checkpoint(stopped[1])
    torch.save({**state, "random": state["random"] * 3}, tmp_path / "last.pt")
    assert resume(stopped[0], tmp_path) == 2
    assert "started with 3 processes and cannot go on with 1" in refused(capsys)


def test_nothing_to_resume(make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resume(make_tree(), tmp_path / "out") == 2
    assert "There is nothing to resume" in refused(capsys)
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint(stopped: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (stopped[1] / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(whole[: len(whole) // 2])
    assert resume(stopped[0], tmp_path) == 2
    assert "last.pt cannot be read" in refused(capsys)
    for state in ({**read_checkpoint(stopped[1]), "format": 1}, [1, 2]):
        torch.save(state, tmp_path / "last.pt")
        assert resume(stopped[0], tmp_path) == 2
        assert "written by another version" in refused(capsys)


@pytest.mark.parametrize(
    "state",
    [
        {"format": CHECKPOINT_FORMAT},
        {"format": CHECKPOINT_FORMAT, "state_dict": {"weight": torch.zeros(2)}},
        dict.fromkeys(CHECKPOINT_HOLDS, 0) | {"format": CHECKPOINT_FORMAT, "recipe": {"depth": 3}},
    ],
)
def test_a_checkpoint_of_somebody_else(
    state: dict[str, Any], stopped: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(state, tmp_path / "last.pt")
    assert resume(stopped[0], tmp_path) == 2
    assert "without --resume" in refused(capsys)


def test_a_checkpoint_whose_tensors_do_not_fit(
    stopped: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = read_checkpoint(stopped[1])
    torch.save({**state, "model": {"weight": torch.zeros(2)}}, tmp_path / "last.pt")
    assert resume(stopped[0], tmp_path) == 2
    assert "does not fit its own recipe; start again without --resume" in refused(capsys)


@pytest.mark.parametrize("file", ["last.pt", "log.csv", "snapshots/epoch-0000.safetensors", "model.safetensors"])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_of_a_file(
    file: str, make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, replace = tmp_path / "out", Path.replace

    def full(part: Path, target: Path) -> Path:
        if target == out / file:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", full)
    assert main(arguments(make_tree(), out, epochs=1)) == 2
    message = refused(capsys)
    assert f"{out / file} could not be written (No space left on device)" in message
    assert list(out.rglob("*.part")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_what_torch_says_of_a_full_disk_is_the_same_sentence(tmp_path: Path) -> None:
    part = tmp_path / "last.pt.part"
    part.symlink_to("/dev/full")
    with pytest.raises(ValueError, match=r"last\.pt could not be written .*make room on the disk"):
        RunFolder(tmp_path).save_checkpoint({"model": {"weight": torch.zeros(10_000)}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "mixer_viz.training"],
        ["-c", "import mixer_viz.training.__main__ as m; m.main()"],
        ["-m", "mixer_viz.training.compare"],
        ["-m", "mixer_viz.training.cards"],
        ["-m", "mixer_viz.survey"],
    ],
)
def test_ctrl_c_during_imports_is_one_sentence(command: list[str], tmp_path: Path) -> None:
    slow = tmp_path / "torch"  # in the place of PyTorch: an import that takes as long as the test needs
    slow.mkdir()
    (slow / "__init__.py").write_text("import sys, time\nprint('importing', flush=True)\ntime.sleep(100)\n")
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert message == "\nstopped; nothing was left half-written\n"


def test_ctrl_c_saves_and_the_run_goes_on(make_tree: MakeTree, tmp_path: Path) -> None:
    data, out = make_tree(count=150), tmp_path / "out"
    command = [sys.executable, "-m", "mixer_viz.training"]
    # One long epoch, and a session of its own: as in a terminal, the signal reaches the loader's worker too.
    process = subprocess.Popen(
        [*command, *arguments(data, out, workers=1, epochs=1, batch_size=1)],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (out / "snapshots" / "epoch-0000.safetensors").exists():
        assert process.poll() is None, process.stderr
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=120)
    assert process.returncode == 130
    assert message.strip().startswith("stopped and saved; the same command with --resume goes on")
    state = read_checkpoint(out)
    assert state["epoch"] == 0
    assert 1 <= state["step"] < 300
    assert resume(data, out) == 0
    assert read_checkpoint(out)["epoch"] == 1
    assert mv.load_model(out / "model.safetensors", device="cpu").config.num_classes == 2


def test_two_processes_make_one_model(make_tree: MakeTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = make_tree(), tmp_path / "out"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "mixer_viz.training", *arguments(data, out, epochs=2, batch_size=4)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[0] for line in (out / "log.csv").read_text().splitlines()] == ["epoch", "1", "2"]
    assert [path.name for path in out.glob("*.safetensors")] == ["model.safetensors"]
    state = read_checkpoint(out)
    assert len(state["random"]) == 2
    assert not torch.equal(state["random"][0]["torch"], state["random"][1]["torch"])
    assert state["schedules"][0]["last_epoch"] == 8  # 32 images in steps of 2 x 4, twice
    assert resume(data, out) == 2
    assert "started with 2 processes and cannot go on with 1" in refused(capsys)
