"""Pictures that are drawn: labels that are right, balanced and seeded; and that the comparing task needs comparing."""

from __future__ import annotations

import collections

import pytest
import torch
from torch import Tensor

from mixer_viz.analysis.patches import image_to_patches
from mixer_viz.training.data.drawn import DRAWN_TASKS, SIZE
from mixer_viz.training.data.drawn_batches import STEPS_PER_EPOCH, DrawnBatches, held_out_drawings
from mixer_viz.training.recipe import Recipe

NAMES = list(DRAWN_TASKS)


def draw(name: str, count: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    return DRAWN_TASKS[name].draw(count, torch.Generator().manual_seed(seed))


def figure_of(pixels: Tensor) -> Tensor:
    """(3, 32, 32) with one figure on an even ground -> (32, 32) bool, where the figure is."""
    corners = torch.stack([pixels[:, i, j] for i in (0, -1) for j in (0, -1)]).float().median(dim=0).values
    return (pixels.float() - corners[:, None, None]).abs().sum(dim=0) > 75


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_seeded_balanced_and_have_the_right_shape(name: str) -> None:
    task = DRAWN_TASKS[name]
    pixels, labels = draw(name)
    assert pixels.shape == (400, 3, SIZE, SIZE)
    assert pixels.dtype == torch.uint8
    counts = torch.bincount(labels, minlength=len(task.class_names))
    assert counts.max() - counts.min() <= 1
    assert task.chance == 1 / len(counts)
    assert (labels[1:] != labels[:-1]).float().mean() > 0.3  # in no order
    again, same = draw(name)
    assert torch.equal(pixels, again)
    assert torch.equal(labels, same)
    other, _ = draw(name, seed=1)
    assert not torch.equal(pixels, other)
    assert len(torch.unique(pixels.flatten(1), dim=0)) == 400
    assert task.teaches.endswith(".")


def test_a_generator_goes_on() -> None:
    generator = torch.Generator().manual_seed(3)
    first, _ = DRAWN_TASKS["shapes"].draw(8, generator)
    second, _ = DRAWN_TASKS["shapes"].draw(8, generator)
    assert not torch.equal(first, second)


def test_shapes_are_what_they_are_called() -> None:
    pixels, labels = draw("shapes", 1000)
    names = DRAWN_TASKS["shapes"].class_names
    fills: dict[str, list[float]] = collections.defaultdict(list)
    for picture, label in zip(pixels, labels.tolist(), strict=True):
        mask = figure_of(picture)
        rows, columns = mask.any(dim=1).nonzero().flatten(), mask.any(dim=0).nonzero().flatten()
        box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        fills[names[label]].append(float(box.float().mean()))
        if names[label] == "ring":
            assert not box[box.shape[0] // 2, box.shape[1] // 2]
        if names[label] == "triangle":
            assert box[-2].sum() > 2 * box[1].sum()
    # Share of the bounding box: pi / 4, 1, 1 / 2, 0.51 (two bars of 0.3), 0.55 (pi / 4 of 1 - 0.55 squared).
    expected = {"circle": 0.785, "square": 1.0, "triangle": 0.5, "cross": 0.51, "ring": 0.548}
    for name, share in expected.items():
        assert torch.tensor(fills[name]).median() == pytest.approx(share, abs=0.08), name


def test_the_spot_is_where_its_class_says() -> None:
    pixels, labels = draw("where", 900)
    bright = pixels.float().sum(dim=1).flatten(1).argmax(dim=1)
    row, column = bright // SIZE * 3 // SIZE, bright % SIZE * 3 // SIZE
    assert (row * 3 + column == labels).float().mean() > 0.99
    assert DRAWN_TASKS["where"].class_names[2] == "top right"


def test_stripes_run_as_their_class_says() -> None:
    pixels, labels = draw("stripes", 400)
    names = DRAWN_TASKS["stripes"].class_names
    for picture, label in zip(pixels.float(), labels.tolist(), strict=True):
        grey = picture.sum(dim=0)
        power = torch.fft.fft2(grey - grey.mean()).abs().square()
        place = int(power[: SIZE // 2 + 1].argmax())
        down, right = place // SIZE, place % SIZE
        right = right - SIZE if right > SIZE // 2 else right
        width, direction = names[label].split(", ")
        assert ((down**2 + right**2) ** 0.5 > 3.6) == (width == "narrow")
        # Upright stripes change to the right alone, level ones downwards; rising ones change towards the lower right.
        expected = {"upright": down <= 1, "level": abs(right) <= 1, "rising": right > 0, "falling": right < 0}
        assert expected[direction], (names[label], down, right)
        if direction in ("rising", "falling"):
            assert min(down, abs(right)) >= 1


@pytest.mark.parametrize("patch_size", [2, 4, 8, 16])
def test_both_classes_of_the_comparing_task_hold_the_same_patches(patch_size: int) -> None:
    """Without noise, pictures of the two classes that show the same figures are the same bag of patches."""
    task = DRAWN_TASKS["same-or-different"]
    bags: dict[int, Tensor] = {}
    for label in (0, 1):
        labels = torch.full((64,), label)
        # The same generator: figures, places and colours are drawn alike, and the class alone differs.
        pixels = task.paint(labels, torch.Generator().manual_seed(0))
        patches = image_to_patches(pixels, patch_size)
        bags[label] = torch.stack([rows[_order(rows)] for rows in patches])
    assert torch.equal(bags[0], bags[1])


def _order(rows: Tensor) -> Tensor:
    return torch.tensor(sorted(range(len(rows)), key=lambda index: rows[index].tolist()))


def test_the_comparing_tasks_labels_are_right() -> None:
    pixels = DRAWN_TASKS["same-or-different"].paint(labels := torch.arange(64) % 2, torch.Generator().manual_seed(5))
    quarters = image_to_patches(pixels, 16)  # (N, 4, ...): top left, top right, bottom left, bottom right
    for row in (0, 2):
        alike = (quarters[:, row] == quarters[:, row + 1]).all(dim=1)
        assert torch.equal(alike, labels == 0)


def test_batches_go_on_and_held_out_pictures_stay() -> None:
    recipe = Recipe(batch_size=16)
    task = DRAWN_TASKS["where"]
    batches = DrawnBatches(task, recipe, torch.Generator().manual_seed(0))
    assert len(batches) == STEPS_PER_EPOCH
    drawn = [pixels for pixels, _ in batches]
    assert len(drawn) == STEPS_PER_EPOCH
    assert not torch.equal(drawn[0], next(iter(batches))[0])
    validation, test = (held_out_drawings(task, part, 0)[0] for part in ("validation", "test"))
    assert (len(validation), len(test)) == (1000, 2000)
    assert not torch.equal(validation, test[:1000])
    assert torch.equal(held_out_drawings(task, "test", 0)[0], test)
    everything = torch.cat([validation, test, *drawn]).flatten(1)
    assert len(torch.unique(everything, dim=0)) == len(everything)


def test_another_image_size_is_refused() -> None:
    with pytest.raises(ValueError, match="have 32 px; give --image-size 32"):
        DrawnBatches(DRAWN_TASKS["shapes"], Recipe(image_size=64), torch.Generator())
