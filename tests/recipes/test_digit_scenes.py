"""Digits in clutter: reproducible, cut off from the other splits, and exactly labelled."""

import random
import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from plait.core.errors import ConfigError
from plait.recipes import _digit_scenes as _scenes
from plait.recipes._digit_scenes import digit_pools, make_scenes, render_scene

SPLITS = ("train", "val", "test")
FIELDS = ("images", "digit", "mask", "centre")


def drop_clutter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing but the digit's own ink, white on black, in every scene."""

    def blank(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
        return np.zeros((size, size), np.float32)

    def overwrite(canvas: NDArray[np.float32], ink: NDArray[np.float32], level: float) -> None:
        canvas[...] = ink

    for layer in ("background", "stroke", "noise"):
        monkeypatch.setattr(_scenes, layer, blank)
    monkeypatch.setattr(_scenes, "half", lambda digit, rng: digit * np.float32(1e-6))
    monkeypatch.setattr(_scenes, "paint", overwrite)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("size", [48, 64])
def test_longer_set_begins_with_the_same_scenes(split: str, size: int) -> None:
    short, long = (make_scenes(split, count, size=size, seed=3) for count in (4, 9))
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(short, field), getattr(long, field)[:4])


def test_every_scene_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    # One pool for all splits: then only the layout and the clutter tell the splits apart.
    pool = digit_pools()["train"]
    monkeypatch.setattr(_scenes, "digit_pools", lambda: dict.fromkeys(SPLITS, pool))
    sets = [make_scenes(split, 20, seed=seed) for split in SPLITS for seed in (0, 1)]
    images = np.concatenate([scenes.images for scenes in sets])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == 120


def test_global_random_state_is_neither_read_nor_changed() -> None:
    np.random.seed(1)
    state, torch_state, python_state = (
        np.random.get_state(),
        torch.get_rng_state(),
        random.getstate(),
    )
    first = make_scenes("val", 5)
    after = np.random.get_state()
    assert after[0] == state[0]
    np.testing.assert_array_equal(after[1], state[1])
    assert after[2:] == state[2:]
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert random.getstate() == python_state
    np.random.seed(2)
    np.testing.assert_array_equal(make_scenes("val", 5).images, first.images)


@pytest.mark.parametrize("split", SPLITS)
def test_digit_and_fragments_come_from_the_pool_of_the_split(split: str) -> None:
    scenes = [render_scene(split, index, size=64, seed=0) for index in range(100)]
    used = {source for scene in scenes for source in scene.sources}
    assert used <= set(digit_pools()[split].tolist())
    assert max(len(scene.sources) for scene in scenes) > 1
    labels = load_digits().target[[scene.sources[0] for scene in scenes]]
    np.testing.assert_array_equal(make_scenes(split, 100).digit, labels)


@pytest.mark.parametrize("split", SPLITS)
def test_scenes_ignore_the_pixels_of_other_pools(
    split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make_scenes(split, 50)
    digits, labels = _scenes.digit_images()
    spoiled = np.full_like(digits, np.nan)
    spoiled[digit_pools()[split]] = digits[digit_pools()[split]]
    monkeypatch.setattr(_scenes, "digit_images", lambda: (spoiled, labels))
    after = make_scenes(split, 50)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(before, field), getattr(after, field))


@pytest.mark.parametrize("size", [32, 48, 64, 65, 128])
def test_shapes_types_ranges_and_contrast(size: int) -> None:
    scenes = make_scenes("train", 60, size=size)
    assert scenes.images.shape == scenes.mask.shape == (60, size, size)
    assert scenes.images.dtype == scenes.mask.dtype == np.uint8
    assert scenes.digit.shape == (60,)
    assert scenes.digit.dtype == np.int64
    assert scenes.centre.shape == (60, 2)
    assert scenes.centre.dtype == np.float32
    assert set(np.unique(scenes.mask)) == {0, 1}
    assert scenes.centre.min() > 0
    assert scenes.centre.max() < size - 1
    for image, mask in zip(scenes.images, scenes.mask, strict=True):
        assert image[mask == 1].mean() > image[mask == 0].mean() + 25


@pytest.mark.parametrize("split", SPLITS)
def test_all_ten_classes_appear_about_equally_often(split: str) -> None:
    counts = np.bincount(make_scenes(split, 500, size=32).digit, minlength=10)
    # Binomial(500, 0.1) has a standard deviation of 6.7: five of them on either side.
    assert np.abs(counts - 50).max() <= 33


def test_centre_is_the_centre_of_mass_of_the_mask() -> None:
    scenes = make_scenes("test", 20, size=48)
    for mask, (x, y) in zip(scenes.mask, scenes.centre, strict=True):
        ink = [(i, j) for i in range(48) for j in range(48) if mask[i, j]]
        assert x == pytest.approx(sum(j for _, j in ink) / len(ink), abs=1e-5)
        assert y == pytest.approx(sum(i for i, _ in ink) / len(ink), abs=1e-5)


@pytest.mark.parametrize("size", [32, 64])
def test_mask_is_where_the_painted_ink_is_at_least_half(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled = make_scenes("train", 40, size=size)
    drop_clutter(monkeypatch)
    for index in range(40):
        clean = render_scene("train", index, size=size, seed=0)
        np.testing.assert_array_equal(clean.mask, clean.image >= 128)  # 128 = rint(255 / 2)
        # With the clutter, the same digit: noise and blending leave the ink the brighter part.
        noisy, ink = labelled.images[index].astype(float), clean.image > 200
        assert noisy[ink].mean() > noisy[clean.image == 0].mean()


@pytest.mark.parametrize("size", [32, 48, 64, 128])
def test_largest_digit_at_any_angle_is_fully_inside(size: int) -> None:
    rng = np.random.default_rng(0)
    full = np.ones((8, 8), np.float32)
    for degrees in range(-_scenes.TURN, _scenes.TURN + 1, 10):
        ink = _scenes.warp(full, _scenes.SIDE[1] * size / 64, degrees)
        for _ in range(20):
            canvas = np.zeros((size, size), np.float32)
            canvas[_scenes.place(rng, ink, size)] = ink  # a box that left the scene would not fit
            assert canvas.sum() == pytest.approx(ink.sum(), rel=1e-5)


def test_fragments_leave_the_digit_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    shared = _scenes.shared

    def recorded(box: tuple[slice, slice], other: tuple[slice, slice]) -> float:
        shares.append(shared(box, other))
        return shares[-1]

    monkeypatch.setattr(_scenes, "shared", recorded)
    for index in range(50):
        shares.clear()
        scene = render_scene("train", index, size=64, seed=0)
        assert sum(share <= 0.1 for share in shares) == len(scene.sources) - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"split": "tets"},
            "unknown split 'tets'; known: test, train, val. Did you mean 'test'?",
        ),
        (
            {"split": "dev"},
            "unknown split 'dev'; known: test, train, val.",
        ),
        ({"count": 2.5}, "`count` must be a whole number; found 2.5."),
        ({"count": 0}, "`count` must be at least 1; found 0. Ask for one scene or more."),
        ({"size": 31}, "`size` must be in 32..128 pixels; found 31. The default is 64."),
        ({"size": 129}, "`size` must be in 32..128 pixels; found 129. The default is 64."),
        ({"seed": -1}, "`seed` must not be negative; found -1. The default is 0."),
    ],
)
def test_errors_say_rule_finding_and_next_step(arguments: dict[str, object], message: str) -> None:
    call: dict[str, object] = {"split": "train", "count": 1} | arguments
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        make_scenes(**call)  # type: ignore[arg-type]
