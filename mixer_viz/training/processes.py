"""One process or several under torchrun: rank, device, and the few collectives that training needs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from mixer_viz.checkpoints import choose_device


@dataclasses.dataclass(frozen=True)
class Processes:
    """This process among `world_size` ones; rank 0 prints and writes."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def gather(self, value: Any) -> list[Any]:
        """The value of every process, in rank order."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def any(self, flag: bool) -> bool:
        """Whether any process says so; all get the same answer, so all stop at the same step."""
        if self.world_size == 1:
            return flag
        tensor = torch.tensor(int(flag), device=self.device)
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return bool(tensor.item())

    def distribute(self, model: nn.Module) -> nn.Module:
        """`model` with its gradients averaged over all processes; the parameters are shared with `model`."""
        if self.world_size == 1:
            return model
        return nn.parallel.DistributedDataParallel(model, [self.device.index] if self.device.type == "cuda" else None)

    @contextlib.contextmanager
    def main_first(self) -> Iterator[None]:
        """Rank 0 goes through the block before all others, who go on even when it failed there."""
        if not self.is_main:
            self.barrier()
        try:
            yield
        finally:
            if self.is_main:
                self.barrier()

    def barrier(self) -> None:
        if self.world_size > 1:
            dist.barrier()


@contextlib.contextmanager
def join_processes(device: str) -> Iterator[Processes]:
    """Read torchrun's environment, open the process group when there are several processes, close it at the end."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    chosen = choose_device(device)
    if world_size == 1:
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(rank, world_size, chosen)
    finally:
        dist.destroy_process_group()
