"""Pictures to learn from that need no download: drawn on the fly, endless, 32 x 32, each kind for one lesson.

All draws come from the generator that is given, so the same seed gives the same pictures on every machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mixer_viz.language import mark

SIZE = 32
_FINE = 2  # drawn at twice the size and averaged, for smooth edges
_NOISE = 0.03  # standard deviation of the noise on every pixel, of the range 0 to 1
_HALF = SIZE // 2
_GLYPHS = torch.tensor(  # a square and a cross: with more kinds, a small network needs minutes
    [
        [[1, 1, 1, 1, 1, 1]] * 6,
        [[int(i in (j, 5 - j)) for i in range(6)] for j in range(6)],
    ],
    dtype=torch.float32,
)
_FEWEST_STRIPES, _MOST_STRIPES = 2.0, 6.0  # periods per picture of the two kinds


@dataclasses.dataclass(frozen=True)
class DrawnTask:
    """One kind of pictures with its classes."""

    name: str  # URL-safe
    title: str
    teaches: str  # one sentence
    class_names: tuple[str, ...]
    paint: Callable[[Tensor, torch.Generator], Tensor]  # class indices (N,) -> (N, 3, 32, 32) floats, 0 to 1

    @property
    def chance(self) -> float:
        """Accuracy of guessing, 0 to 1; the classes are equally frequent."""
        return 1 / len(self.class_names)

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` new pictures: (count, 3, 32, 32) uint8 and (count,) class indices.

        Classes come equally often, up to one picture, in random order.
        """
        start = int(torch.randint(len(self.class_names), (), generator=generator))
        labels = (torch.arange(count) + start) % len(self.class_names)
        labels = labels[torch.randperm(count, generator=generator)]
        pixels = self.paint(labels, generator)
        pixels = pixels + _NOISE * torch.randn(pixels.shape, generator=generator)
        return (255 * pixels).round_().clamp_(0, 255).to(torch.uint8), labels


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _two_colours(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two colours (N, 3, 1, 1) for each picture that differ in brightness by at least 0.35, either the brighter one."""
    first, second = torch.rand(2, count, 3, generator=generator)
    dark, bright = _uniform(0.1, 0.35, (count, 1), generator), _uniform(0.65, 0.9, (count, 1), generator)
    swap = torch.rand(count, 1, generator=generator) < 0.5
    levels = torch.where(swap, dark, bright), torch.where(swap, bright, dark)
    # Moved to the wanted brightness; what leaves the range is clipped, by far less than the distance.
    colours = [
        (colour + level - colour.mean(dim=1, keepdim=True)).clamp(0, 1)
        for colour, level in zip((first, second), levels, strict=True)
    ]
    return colours[0][..., None, None], colours[1][..., None, None]


def _coordinates(size: int) -> tuple[Tensor, Tensor]:
    """Row and column of pixel centres in pixels of the picture, (1, size, 1) and (1, 1, size)."""
    places = (torch.arange(size) + 0.5) * SIZE / size
    return places[None, :, None], places[None, None, :]


def _shapes(labels: Tensor, generator: torch.Generator) -> Tensor:
    count = len(labels)
    rows, columns = _coordinates(_FINE * SIZE)
    radius = _uniform(5.0, 9.0, (count, 1, 1), generator)
    centre = radius + (SIZE - 2 * radius) * torch.rand(2, count, 1, 1, generator=generator)
    down, right = rows - centre[0], columns - centre[1]  # (N, 64, 64) each after broadcasting
    distance, reach = (down**2 + right**2).sqrt(), torch.maximum(down.abs(), right.abs())
    masks = [
        distance <= radius,
        reach <= 0.85 * radius,
        (down <= 0.7 * radius) & (right.abs() <= 0.6 * (down + radius)),
        (torch.minimum(down.abs(), right.abs()) <= 0.3 * radius) & (reach <= radius),
        (distance <= radius) & (distance >= 0.55 * radius),
    ]
    chosen = torch.stack(masks)[labels, torch.arange(count)].float()
    mask = nn.functional.avg_pool2d(chosen[:, None], _FINE)
    figure, ground = _two_colours(count, generator)
    return ground + (figure - ground) * mask


def _where(labels: Tensor, generator: torch.Generator) -> Tensor:
    count = len(labels)
    rows, columns = _coordinates(SIZE)
    third = SIZE / 3
    jitter = _uniform(-2.0, 2.0, (2, count), generator)
    centre_row = ((labels // 3 + 0.5) * third + jitter[0])[:, None, None]
    centre_column = ((labels % 3 + 0.5) * third + jitter[1])[:, None, None]
    spot = torch.exp(-((rows - centre_row) ** 2 + (columns - centre_column) ** 2) / (2 * 2.0**2))
    ground = _uniform(0.1, 0.4, (count, 3, 1, 1), generator)
    return ground + (0.95 - ground) * spot[:, None]


def _rows_alike(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Four small figures, one in the middle of each quarter: always two squares, A, and two crosses, B, or vice versa.

    Class 0 has A A above B B; class 1 has A B, or B A, in both rows or in one of them. So both classes hold the same
    patches equally often, and what looks at each patch alone and averages has nothing to tell them by, as long as P
    divides 16.
    """
    count, side = len(labels), len(_GLYPHS[0])
    first = torch.randint(2, (count,), generator=generator)
    kinds = torch.stack([first, 1 - first])  # (2, N)
    top, below = torch.randint(2, (2, count), generator=generator)
    below = torch.where(labels == 0, 1 - top, below)
    rows = [(top, torch.where(labels == 0, top, 1 - top)), (below, torch.where(labels == 0, below, 1 - below))]
    middle = (_HALF - side) // 2  # of each quarter: where figures move about, a small network needs minutes
    canvas, every, cells = torch.zeros(count, SIZE, SIZE), torch.arange(count), torch.arange(side)
    for row, pair in enumerate(rows):
        for column, which in enumerate(pair):
            down, right = middle + row * _HALF + cells, middle + column * _HALF + cells  # (side,)
            canvas[every[:, None, None], down[:, None], right] = _GLYPHS[kinds[which, every]]
    figure, ground = _two_colours(count, generator)
    return ground + (figure - ground) * canvas[:, None]


def _stripes(labels: Tensor, generator: torch.Generator) -> Tensor:
    count = len(labels)
    rows, columns = _coordinates(SIZE)
    angle = (labels % 4 * (torch.pi / 4) + _uniform(-0.12, 0.12, (count,), generator))[:, None, None]
    periods = torch.where(labels < 4, _FEWEST_STRIPES, _MOST_STRIPES) * _uniform(0.85, 1.15, (count,), generator)
    phase = _uniform(0.0, 2 * torch.pi, (count, 1, 1), generator)
    along = columns * angle.cos() + rows * angle.sin()
    wave = 0.5 + 0.5 * torch.sin(2 * torch.pi * periods[:, None, None] * along / SIZE + phase)
    first, second = _two_colours(count, generator)
    return first + (second - first) * wave[:, None]


_PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
_DIRECTIONS = ("upright", "rising", "level", "falling")  # of the stripes, whose brightness changes across them

DRAWN_TASKS = {
    task.name: task
    for task in (
        DrawnTask(
            "shapes",
            mark("Shapes"),
            mark(
                "A figure may have any colour and lie anywhere, so the network has to find form in parts that patches "
                "cut."
            ),
            ("circle", "square", "triangle", "cross", "ring"),
            _shapes,
        ),
        DrawnTask(
            "where",
            mark("Where is it?"),
            mark("A bright spot in one of nine places: what stands in a patch says nothing, only which patch it is."),
            _PLACES,
            _where,
        ),
        DrawnTask(
            "same-or-different",
            mark("Same or different"),
            mark(
                "Are the two figures in a row alike? Both classes hold the same patches, so only what compares patches "
                "far apart can tell."
            ),
            ("same in a row", "different in a row"),
            _rows_alike,
        ),
        DrawnTask(
            "stripes",
            mark("Stripes"),
            mark("Direction and width of stripes: something that filters and mixing weights can learn to measure."),
            tuple(f"{width}, {direction}" for width in ("wide", "narrow") for direction in _DIRECTIONS),
            _stripes,
        ),
    )
}
