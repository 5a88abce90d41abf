"""How many images go through the network at once, and what happens when they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from mixer_viz.model import MixerConfig

# On the CPU a chunk that outgrows the caches is slower than a small one: on B/16 about 14 images without gradients and
# about 4 with them were best, on the bundled model 32 of either; and small ones report and stop more often.
# On a GPU chunks grow until a share of the free memory is used.
_CPU_BYTES = 96 * 2**20
_CPU_BYTES_WITH_GRADIENT = 520 * 2**20
_SHARE_OF_FREE = 0.25
_MOST_ON_CPU, _MOST_ELSEWHERE = 32, 256
_BYTES = 4  # of one float32

Result = TypeVar("Result")


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
    return int(min(most, max(1, room // image_bytes(config, with_gradient))))


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
