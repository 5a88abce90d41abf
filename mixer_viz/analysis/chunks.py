"""Passes through the network: how many images at once, counted and reported, stopped, halved when they do not fit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal, TypeVar

import torch
from torch import Tensor

from mixer_viz.model import MixerConfig

# On the CPU a chunk that outgrows the caches is slower than a small one: on B/16 about 14 images without gradients and
# about 4 with them were best, on the bundled model 32 of either; and small ones report and stop more often.
# On a GPU chunks grow until a share of the free memory is used.
_CPU_BYTES = 96 * 2**20
_CPU_BYTES_WITH_GRADIENT = 520 * 2**20
_SHARE_OF_FREE = 0.25
_MOST_ON_CPU, _MOST_ELSEWHERE = 32, 256
_BYTES = 4  # of one float32
# What large pictures take beside the activations: an image, its baseline, gradients and sums of them.
_COPIES_OF_PIXELS = 12
_PIXEL_BYTES = 256 * 2**20

Result = TypeVar("Result")
Precision = Literal["float32", "bfloat16"]  # of the network's arithmetic
Progress = Callable[[int, int], None]  # (done, total), in images sent through the network
Cancelled = Callable[[], bool]


def image_bytes(config: MixerConfig, with_gradient: bool) -> int:
    """About how many bytes one image's activations take at their peak, in float32."""
    tokens, channels = config.num_patches, config.embed_dim
    stream = tokens * channels
    hidden = max(channels * config.tokens_mlp_dim, tokens * config.channels_mlp_dim)
    if not with_gradient:
        return _BYTES * (3 * stream + 2 * hidden)
    # Kept for the backward pass: inputs of both norms and MLPs, and both activations before and after the GELU.
    kept = 6 * stream + 2 * channels * config.tokens_mlp_dim + 2 * tokens * config.channels_mlp_dim
    return _BYTES * (config.num_blocks * kept + 3 * stream)


def chunk_for(config: MixerConfig, device: torch.device, with_gradient: bool) -> int:
    """How many images to send through the network at once, from the memory of the device; at least one."""
    room = float(_CPU_BYTES_WITH_GRADIENT if with_gradient else _CPU_BYTES)
    if device.type == "cuda":
        room = torch.cuda.mem_get_info(device)[0] * _SHARE_OF_FREE
    most = _MOST_ON_CPU if device.type == "cpu" else _MOST_ELSEWHERE
    pixels = _COPIES_OF_PIXELS * _BYTES * config.in_channels * math.prod(config.image_shape)
    at_once = min(room // image_bytes(config, with_gradient), max(room, _PIXEL_BYTES) // pixels)
    return int(min(most, max(1, at_once)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: on a GPU, or in PyTorch's allocator on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in text for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def halving(chunk: int, run: Callable[[int], Result]) -> Result:
    """`run(chunk)`, again with half the chunk as long as memory runs out; the error comes through at a chunk of one."""
    while True:
        try:
            return run(chunk)
        except (RuntimeError, MemoryError) as error:
            if chunk == 1 or not is_out_of_memory(error):
                raise
        # Outside of the except clause: the error holds the frames, and they hold the tensors, of the failed try.
        chunk = max(1, chunk // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class AnalysisCancelled(RuntimeError):
    """The caller asked a long analysis to stop; nothing of it is kept."""


class ChunkedPasses:
    """Counts what one computation, in one thread, sends through a network, `chunk` images at a time."""

    def __init__(
        self, chunk: int, total: int, progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self.chunk, self.total = chunk, total
        self.forward_passes = self.backward_passes = 0
        self.reporting_seconds = 0.0  # spent in the caller's `progress`, who may let others compute meanwhile
        self._progress, self._cancelled = progress, cancelled

    def check_cancelled(self) -> None:
        """Raise AnalysisCancelled when the caller wants to stop."""
        if self._cancelled is not None and self._cancelled():
            raise AnalysisCancelled(f"cancelled after {self.forward_passes} of {self.total} passes")

    def count(self, images: int) -> None:
        """Count images that were sent forward, and report."""
        self.forward_passes += images
        self._report(min(self.forward_passes, self.total))

    def wait(self) -> None:
        """Report as before: for who waits for what another computation holds, and has to let that one go on meanwhile.

        Raises AnalysisCancelled as `check_cancelled` does.
        """
        self.check_cancelled()
        self._report(min(self.forward_passes, self.total - 1))  # all of it is not done, whatever was expected

    def _report(self, done: int) -> None:
        if self._progress is not None:
            started = time.perf_counter()
            self._progress(done, self.total)
            self.reporting_seconds += time.perf_counter() - started

    def restart(self, forward_passes: int) -> None:
        """Forget the passes of a try that came to nothing."""
        self.forward_passes, self.backward_passes = forward_passes, 0

    def in_chunks(self, images: int, run: Callable[[slice], Tensor]) -> Tensor:
        """`run` of slices that make up 0 to `images`, joined: (images, ...). Out of memory halves the chunk."""
        parts: list[Tensor] = []
        start = 0
        while start < images:
            parts.append(self._part(start, images, run))
            start += len(parts[-1])
        return torch.cat(parts)

    def _part(self, start: int, images: int, run: Callable[[slice], Tensor]) -> Tensor:
        def attempt(chunk: int) -> Tensor:
            self.check_cancelled()
            self.chunk = chunk  # what did not fit once is not tried again
            return run(slice(start, min(start + chunk, images)))

        part = halving(self.chunk, attempt)
        self.count(len(part))
        return part
