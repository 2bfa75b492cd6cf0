"""The image is the oracle: its channels hold the position that every pixel came from."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.data.augment import Augment
from plait.tasks import Classification, DenseRegression, MultiLabel, Regression, Segmentation

COLOURLESS = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
STILL = Augment(flip=0, crop=0, **COLOURLESS)
TASKS = {
    "mask": Segmentation("mask", classes=2),
    "map": DenseRegression("map"),
    "box": Regression("box", outputs=4, vector=True, geometry="box"),
    "point": Regression("point", outputs=2, vector=True, geometry="point"),
}
PIXELS = 1e-3  # what float32 images leave of the position; labels are moved in float64

amounts = st.builds(
    lambda **options: Augment(**options, **COLOURLESS),
    flip=st.sampled_from([0.0, 0.5, 1.0]),
    crop=st.floats(0, 0.8),
    rotation=st.sampled_from([0.0, 0.0, 10.0, 90.0, 180.0]),
    min_visible=st.sampled_from([0.0, 0.2, 1.0]),
)
seeds = st.integers(0, 2**31)
sizes = st.tuples(st.integers(12, 24), st.integers(12, 24))
fractions = st.floats(0, 1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramps(height: int, width: int) -> Tensor:
    """Channels x / width and y / height of the pixel centres, and a constant 0.5."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x / width, y / height, torch.full_like(x, 0.5)])


def numbered(height: int, width: int) -> Tensor:
    """A mask in which every pixel has a label of its own, y * width + x."""
    return torch.arange(height * width).view(height, width)


def where_to(moved: Tensor, positions: Tensor) -> Tensor:
    """Where positions [n, 2] of a `ramps` image went, in pixels (pixel i covers [i, i + 1]).

    The affine map is fitted to what the moved image shows, but for pixels on the flat ends of the
    ramps (within half a pixel of the edge) and the black ones.
    """
    _, height, width = moved.shape
    size = torch.tensor([width, height], dtype=torch.float64)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    came_from = moved[:2].double().flatten(1).T * size
    good = ((came_from > 0.51) & (came_from < size - 0.51)).all(1) & (moved[2].flatten() > 0)
    to = torch.stack([x.flatten(), y.flatten()], 1).double()[good]
    known = torch.cat([came_from[good], torch.ones(int(good.sum()), 1)], 1)
    fitted = torch.linalg.lstsq(known, to).solution
    return torch.cat([positions, torch.ones(len(positions), 1)], 1) @ fitted


@given(amounts, seeds, sizes)
def test_mask_and_map_show_what_the_image_shows(
    augment: Augment, seed: int, size: tuple[int, int]
) -> None:
    height, width = size
    targets = {"mask": numbered(height, width), "map": ramps(height, width)[:2]}
    moved, labels = augment(ramps(height, width), targets, TASKS, generator(seed))

    seen = labels["mask"] != -100
    assert torch.equal(moved[2] == 0.5, seen), "black where the mask has no label, and only there"
    assert not moved[:, ~seen].any()
    assert torch.equal(labels["map"].isnan(), (~seen).expand(2, -1, -1))
    assert torch.equal(labels["map"][:, seen], moved[:2, seen])

    column, row = labels["mask"] % width, labels["mask"].div(width, rounding_mode="floor")
    assert ((column + 0.5 - moved[0] * width).abs()[seen] <= 0.5 + PIXELS).all()
    assert ((row + 0.5 - moved[1] * height).abs()[seen] <= 0.5 + PIXELS).all()


@given(amounts, seeds, sizes, fractions, fractions)
def test_a_point_stays_on_what_it_marks(
    augment: Augment, seed: int, size: tuple[int, int], fx: float, fy: float
) -> None:
    height, width = size
    point = torch.tensor([fx * width - 0.5, fy * height - 0.5], dtype=torch.float64)
    image = ramps(height, width)
    moved, labels = augment(image, {"point": point}, TASKS, generator(seed))

    went = where_to(moved, point[None] + 0.5)[0]
    margin = torch.minimum(went, torch.tensor([width, height]) - went).min()
    if margin > PIXELS:
        assert labels["point"].tolist() == pytest.approx((went - 0.5).tolist(), abs=PIXELS)
    elif margin < -PIXELS:
        assert labels["point"].isnan().all()


@given(amounts, seeds, sizes, st.tuples(*[fractions] * 4))
def test_a_box_stays_around_what_it_marks(
    augment: Augment, seed: int, size: tuple[int, int], edges: tuple[float, ...]
) -> None:
    height, width = size
    xmin, xmax = sorted(edges[:2])
    ymin, ymax = sorted(edges[2:])
    box = torch.tensor([xmin, ymin, xmax, ymax], dtype=torch.float64)
    moved, labels = augment(ramps(height, width), {"box": box}, TASKS, generator(seed))

    size_ = torch.tensor([width, height], dtype=torch.float64)
    corners = torch.tensor(
        [[x, y] for x in (xmin, xmax) for y in (ymin, ymax)], dtype=torch.float64
    )
    went = where_to(moved, corners * size_) / size_
    low, high = went.amin(0), went.amax(0)
    clipped = torch.cat([low.clamp(0, 1), high.clamp(0, 1)])
    area = float((high - low).prod())
    share = float((clipped[2:] - clipped[:2]).prod()) / max(area, 1e-12)
    if area > 1e-3 and share > max(augment.min_visible, PIXELS) + PIXELS:
        assert labels["box"].tolist() == pytest.approx(clipped.tolist(), abs=PIXELS)
    elif area > 1e-3 and share < augment.min_visible - PIXELS:
        assert labels["box"].isnan().all()


def test_the_share_of_a_box_that_is_seen_is_its_share_of_mask_pixels() -> None:
    """Counts the pixels of a filled box before (scaled by the zoom) and after the crop."""
    side, wide = 200, 300
    mask = torch.zeros(side, wide, dtype=torch.int64)
    mask[20:80, 30:150] = 1
    box = torch.tensor([30 / wide, 20 / side, 150 / wide, 80 / side])
    augment = dataclasses.replace(STILL, crop=0.8, min_visible=0.5)
    kept = []
    for seed in range(80):
        image, labels = augment(
            ramps(side, wide), {"mask": mask, "box": box}, TASKS, generator(seed)
        )
        step = float(image[0, 0, 200] - image[0, 0, 100]) * wide / 100  # the side that is kept
        share = int(labels["mask"].sum()) * step**2 / int(mask.sum())
        seen = not bool(labels["box"].isnan().any())
        if abs(share - 0.5) > 0.03:
            assert seen == (share > 0.5)
            kept.append(seen)
    assert 10 < sum(kept) < len(kept) - 10


def test_a_box_out_of_sight_is_gone_at_any_setting() -> None:
    crop = dataclasses.replace(STILL, crop=0.8, min_visible=0)
    corner = torch.tensor([0.0, 0.0, 0.05, 0.05], dtype=torch.float64)
    image = ramps(16, 16)
    boxes = [crop(image, {"box": corner}, TASKS, generator(s))[1]["box"] for s in range(30)]
    assert any(bool(box.isnan().all()) for box in boxes)
    assert all(bool(box.isnan().all()) or bool((box[2:] > box[:2]).all()) for box in boxes)


@pytest.mark.parametrize(("height", "width"), [(224, 224), (7, 13), (13, 7)])
def test_flipping_twice_changes_nothing(height: int, width: int) -> None:
    mirror = dataclasses.replace(STILL, flip=1)
    image = torch.rand(3, height, width)
    targets = {
        "mask": torch.randint(0, 5, (height, width)),
        "map": torch.randn(2, height, width),
        "box": torch.tensor([0.1, 0.2, 0.4, 0.9]),
        "point": torch.tensor([2.25, 3.0]),
    }
    targets["map"][0, 2, 3] = math.nan
    once, labels = mirror(image, targets, TASKS, generator())
    assert torch.equal(once, image.flip(-1))
    assert torch.equal(labels["mask"], targets["mask"].flip(-1))
    torch.testing.assert_close(
        labels["map"], targets["map"].flip(-1), rtol=0, atol=0, equal_nan=True
    )
    assert labels["point"].tolist() == [width - 1 - 2.25, 3.0]
    assert labels["box"].tolist() == pytest.approx([0.6, 0.2, 0.9, 0.9], abs=1e-7)

    twice, labels = mirror(once, labels, TASKS, generator())
    assert torch.equal(twice, image)
    for task, target in targets.items():
        torch.testing.assert_close(labels[task], target, rtol=0, atol=1e-6, equal_nan=True)


def test_a_rotation_keeps_lengths_and_angles_and_stays_in_its_range() -> None:
    turn = dataclasses.replace(STILL, rotation=30, flip=0.5)
    angles = []
    for seed in range(200):
        moved, _ = turn(ramps(16, 28), {}, {}, generator(seed))
        centre, right, below = where_to(moved, torch.tensor([[14.0, 8], [15, 8], [14, 9]]).double())
        assert centre.tolist() == pytest.approx([14, 8], abs=PIXELS)
        (a, b), (c, d) = (right - centre).tolist(), (below - centre).tolist()
        mirror = 1 if a > 0 else -1
        assert [a, b] == pytest.approx([mirror * d, -mirror * c], abs=PIXELS), "no shear in pixels"
        assert math.hypot(a, b) == pytest.approx(1, abs=PIXELS)
        angles.append(math.degrees(math.atan2(c, d)))
    assert -30.1 < min(angles) < -29
    assert 29 < max(angles) < 30.1


def test_nothing_switched_on_changes_nothing() -> None:
    image, mask = torch.rand(3, 11, 6), torch.randint(0, 3, (11, 6))
    box = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.3, 0.1, 0.7, 0.2]])
    whole = dataclasses.replace(STILL, min_visible=1)
    moved, labels = whole(image, {"mask": mask, "box": box}, TASKS, generator(3))
    assert torch.equal(moved, image)
    assert torch.equal(labels["mask"], mask)
    torch.testing.assert_close(labels["box"], box, rtol=0, atol=1e-7)


@given(amounts, seeds, st.integers(0, 3))
def test_a_missing_label_stays_missing(augment: Augment, seed: int, missing: int) -> None:
    boxes = torch.tensor([[0.2, 0.2, 0.8, 0.8], [0.0, 0.0, 1.0, 1.0]])
    points = torch.tensor([[4.0, 4.0], [4.0, 4.0]])
    boxes[0, missing] = math.nan
    points[0, missing % 2] = math.nan
    targets = {"box": boxes, "point": points}
    _, labels = augment(ramps(9, 9), targets, TASKS, generator(seed))
    assert labels["box"][0].isnan().all()
    assert labels["point"][0].isnan().all()
    _, labels = STILL(ramps(9, 9), targets, TASKS, generator(seed))
    assert not labels["box"][1].isnan().any()


def test_colour_leaves_every_label_alone() -> None:
    image = torch.rand(3, 16, 16)
    targets = {"mask": numbered(16, 16), "map": torch.randn(1, 16, 16)}
    targets |= {"box": torch.tensor([0.25, 0.5, 0.75, 1.0]), "point": torch.tensor([3.0, 4.5])}
    colour = dataclasses.replace(STILL, brightness=0.5, contrast=0.5, saturation=0.5)
    moved, labels = colour(image, targets, TASKS, generator())
    assert not torch.allclose(moved, image, atol=0.01)
    assert moved.min() >= 0
    assert moved.max() <= 1
    for task, target in targets.items():
        assert torch.equal(labels[task], target), task


def test_colour_changes_only_what_it_names() -> None:
    """Brightness scales all values alike; contrast keeps the mean; saturation keeps each grey."""
    image = 0.4 + 0.2 * torch.rand(3, 16, 16)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)

    def only(**amount: float) -> Tensor:
        return dataclasses.replace(STILL, **amount)(image, {}, {}, generator(1))[0]

    ratio = only(brightness=0.5) / image
    assert float(ratio.std()) < 1e-6
    assert abs(float(ratio.mean()) - 1) > 0.01
    contrasted, grey = only(contrast=0.5), (image * luma).sum(0)
    assert float((contrasted * luma).sum(0).mean()) == pytest.approx(float(grey.mean()), abs=1e-5)
    assert abs(float(contrasted.std() / image.std()) - 1) > 0.01
    torch.testing.assert_close((only(saturation=0.5) * luma).sum(0), grey, rtol=0, atol=1e-5)
    one_channel = dataclasses.replace(STILL, saturation=1)(image[:1], {}, {}, generator(1))[0]
    assert torch.equal(one_channel, image[:1])


def test_amounts_cover_their_range() -> None:
    flips, sides, shifts = [], [], []
    augment = Augment(crop=0.4, **COLOURLESS)
    for seed in range(400):
        moved, _ = augment(ramps(32, 32), {}, {}, generator(seed))
        across = moved[0, 0, 5:27].double() * 32
        step = float(across.diff().mean())
        flips.append(step < 0)
        sides.append(abs(step))
        shifts.append((float(across.mean()) / 32 - 0.5) / (0.5 * (1 - abs(step)) + 1e-9))
    assert 160 < sum(flips) < 240
    assert 0.6 - PIXELS <= min(sides) < 0.62
    assert 0.98 < max(sides) <= 1 + PIXELS
    assert -1.01 <= min(shifts) < -0.95
    assert 0.95 < max(shifts) <= 1.01


def test_only_the_generator_decides_and_no_option_moves_the_others_draws() -> None:
    image, mask = torch.rand(3, 16, 16), numbered(16, 16)
    state = torch.get_rng_state()
    runs = [
        augment(image, {"mask": mask}, TASKS, generator(seed))
        for augment, seed in [
            (Augment(), 5),
            (Augment(), 5),
            (Augment(), 6),
            (Augment(contrast=0), 5),
        ]
    ]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(runs[0][0], runs[1][0])
    assert torch.equal(runs[0][1]["mask"], runs[1][1]["mask"])
    assert not torch.equal(runs[0][1]["mask"], runs[2][1]["mask"])
    assert not torch.equal(runs[0][0], runs[3][0])
    assert torch.equal(runs[0][1]["mask"], runs[3][1]["mask"])


def test_inputs_are_not_written_to_and_other_tasks_pass_through() -> None:
    image, mask, breed = torch.rand(3, 8, 8), numbered(8, 8), torch.tensor(3)
    before = image.clone(), mask.clone()
    targets = {"mask": mask, "breed": breed}
    _, labels = Augment(rotation=30)(image, targets, TASKS, generator())
    assert torch.equal(image, before[0])
    assert torch.equal(mask, before[1])
    assert labels["breed"] is breed
    assert list(labels) == ["mask", "breed"], "kinds without a label in this example are skipped"


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int64])
def test_a_mask_keeps_its_type(dtype: torch.dtype) -> None:
    mask = torch.randint(0, 2, (8, 8)).to(dtype)
    turned = Augment(**COLOURLESS, rotation=45)
    tasks = {"mask": Segmentation("mask", classes=2, ignore_index=1)}
    _, labels = turned(torch.rand(1, 8, 8), {"mask": mask}, tasks, generator())
    assert labels["mask"].dtype == dtype


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crop": 1.0}, "`crop`"),
        ({"flip": 1.5}, "`flip`"),
        ({"rotation": -1}, "`rotation`"),
        ({"brightness": math.nan}, "`brightness`"),
        ({"min_visible": 2}, "`min_visible`"),
    ],
)
def test_an_amount_out_of_range_is_named(options: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Augment(**options)


def test_labels_that_lie_nowhere_on_the_image_stay_as_they_are() -> None:
    nowhere = [Classification("a", classes=3), MultiLabel("b", labels=2), Regression("c")]
    targets = {"a": torch.tensor(2), "b": torch.tensor([0.0, 1.0]), "c": torch.tensor(1.5)}
    tasks = {task.name: task for task in nowhere}
    _, labels = Augment(flip=1)(torch.rand(3, 8, 8), targets, tasks, generator())
    assert all(labels[name] is target for name, target in targets.items())


@pytest.mark.parametrize(
    ("image", "targets", "error", "words"),
    [
        (torch.zeros(3, 4, 4, dtype=torch.uint8), {}, ShapeError, "255"),
        (torch.zeros(1, 3, 4, 4), {}, ShapeError, r"\[C, H, W\]"),
        (torch.full((3, 4, 4), 2.0), {}, DataError, r"\[0, 1\].*normalise"),
        (torch.full((3, 4, 4), math.nan), {}, DataError, r"\[0, 1\]"),
        (torch.zeros(3, 4, 4), {"mask": torch.zeros(5, 4).long()}, ShapeError, r"'mask'.*\[4, 4\]"),
        (torch.zeros(3, 4, 4), {"map": torch.zeros(4, 4)}, ShapeError, r"'map'.*\[K, 4, 4\]"),
        (torch.zeros(3, 4, 4), {"map": torch.zeros(1, 4, 4).long()}, DataError, "floating point"),
        (torch.zeros(3, 4, 4), {"box": torch.zeros(4).long()}, DataError, "floating point"),
        (torch.zeros(3, 4, 4), {"box": torch.zeros(5)}, ShapeError, r"\[..., 4\]"),
        (torch.zeros(3, 4, 4), {"point": torch.zeros(())}, ShapeError, r"\[..., 2\]"),
    ],
)
def test_what_does_not_fit_is_named(
    image: Tensor, targets: dict[str, Tensor], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Augment()(image, targets, TASKS, generator())


def test_a_missing_label_that_the_mask_cannot_hold_is_refused() -> None:
    targets = {"mask": torch.zeros(8, 8, dtype=torch.uint8)}
    with pytest.raises(ConfigError, match=r"-100; that does not fit.*uint8"):
        Augment(rotation=45)(torch.zeros(3, 8, 8), targets, TASKS, generator())
