"""Which images a step gets, and workers that leave stopping to the main process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import DistributedSampler

from mixer_viz import images
from mixer_viz.training.cli import main
from mixer_viz.training.data.labelled import find_data
from mixer_viz.training.data.loaders import normalise, open_loaders
from mixer_viz.training.processes import Processes
from tests.conftest import TINY
from tests.training.conftest import MakeTree
from tests.training.made_runs import RECIPE, arguments

ALONE = Processes(0, 1, torch.device("cpu"))


def test_every_epoch_takes_all_images_in_an_order_of_its_own(
    make_tree: MakeTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[list[int]] = []
    draw = DistributedSampler.__iter__

    def recorded(sampler: DistributedSampler[int]) -> Iterator[int]:
        orders.append(list(draw(sampler)))
        return iter(orders[-1])

    monkeypatch.setattr(DistributedSampler, "__iter__", recorded)
    assert main(arguments(make_tree(), tmp_path / "out", epochs=3)) == 0
    assert [sorted(order) for order in orders] == [list(range(32))] * 3  # of 40, eight are held out
    assert len({tuple(order) for order in orders}) == 3


def test_processes_share_the_images_of_an_epoch(make_tree: MakeTree) -> None:
    data = find_data(str(make_tree()), Path("unused"), seed=0)
    parts = [open_loaders(data, RECIPE, Processes(rank, 2, ALONE.device), 0, True).sampler for rank in (0, 1)]
    first, second = (set(part) for part in parts)
    assert not first & second
    assert first | second == set(range(40))


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_worker_survives_the_ctrl_c_of_its_terminal(make_tree: MakeTree) -> None:
    loaders = open_loaders(find_data(str(make_tree(size=16)), Path("unused"), seed=0), RECIPE, ALONE, 1, True)
    main_process = os.getpid()

    def interrupted(image: Tensor) -> Tensor:
        if os.getpid() != main_process:
            os.kill(os.getpid(), signal.SIGINT)
        return image

    loaders.test.dataset.transform = interrupted  # type: ignore[attr-defined]
    pixels, labels = next(iter(loaders.test))
    assert pixels.shape == (40, 3, 16, 16)
    assert labels.tolist() == [0] * 20 + [1] * 20


def test_normalising_is_that_of_the_app() -> None:
    pictures = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = images.normalise(pictures.permute(0, 2, 3, 1).numpy(), TINY)
    torch.testing.assert_close(normalise(pictures, TINY), expected)
