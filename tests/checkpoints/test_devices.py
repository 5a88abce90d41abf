"""Which device is chosen, and what is said when it is not there."""

from __future__ import annotations

import pytest
import torch

from mixer_viz.checkpoints import choose_device


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_auto_takes_the_best_device(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device() == torch.device(chosen)
    assert choose_device("cpu") == choose_device(torch.device("cpu")) == torch.device("cpu")


def test_device_that_is_not_there(refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "cuda:1", "mps", "meta", torch.device("cuda")):
        with refused("is not available on this computer; choose auto, or cpu."):
            choose_device(device)
    for device in ("gpu", "cuda:x", ""):
        with refused(f"There is no device {device!r}"):
            choose_device(device)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with refused("'cuda:2' is not available"):
        choose_device("cuda:2")
