"""Analyses of one image, for many of them: the results in the images' order, the memory that of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from torch import Tensor

from mixer_viz.analysis.chunks import AnalysisCancelled, Cancelled, Progress
from mixer_viz.model import MlpMixer

Result = TypeVar("Result")


def for_each_image(
    analysis: Callable[..., Result],
    model: MlpMixer,
    pixels: Tensor | Iterable[Tensor],
    *arguments: Any,
    targets: Sequence[int] | Tensor | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    **named: Any,
) -> list[Result]:
    """`analysis(model, one image, ...)` of N images, in their order, equal to N calls.

    Any analysis that takes a model and pixels (1, 3, H, W) will do, `trace` and `attribute` among them. Only one image
    is in work at a time, and what an analysis does with it goes through the network in chunks.

    Args:
        pixels: (N, 3, H, W), or images (1, 3, H, W) or (3, H, W) one after the other, which may be read on the way.
        targets: N classes, given to the analysis behind the pixels, one each; None where it takes none.
        arguments, named: given to every call.
        progress: called with (images done, images in all, or done where nobody knows).
    Raises ValueError for another number of targets than images, AnalysisCancelled when told to stop.
    """
    known = len(pixels) if isinstance(pixels, Tensor | Sequence) else None
    classes = None if targets is None else [int(each) for each in targets]
    if classes is not None and known is not None and len(classes) != known:
        raise ValueError(f"{len(classes)} targets for {known} images; give one for each")
    results: list[Result] = []
    for number, image in enumerate(pixels):
        if cancelled is not None and cancelled():
            raise AnalysisCancelled(f"cancelled after {number} images")
        if classes is not None and number >= len(classes):
            raise ValueError(f"{len(classes)} targets for more images; give one for each")
        one = image[None] if image.ndim == 3 else image
        target = () if classes is None else (classes[number],)
        results.append(analysis(model, one, *target, *arguments, **named))
        if progress is not None:
            progress(number + 1, known or number + 1)
    if classes is not None and len(classes) != len(results):
        raise ValueError(f"{len(classes)} targets for {len(results)} images; give one for each")
    return results
