import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import ConfigError
from plait.tasks import Segmentation, Tagging
from plait.tasks.labels.rare import options_for, resolved


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ([998, 2], True),
        ([951, 49], True),
        ([950, 50], False),
        ([2, 998], True),  # whichever class it is
        ([990, 5, 5], True),
        ([640, 100, 90, 80, 50, 30, 9, 1], False),  # slots: many rare, and none everywhere
        ([1000, 0], False),
        ([], False),
    ],
)
def test_options_are_chosen_where_one_class_is_nearly_everywhere(
    counts: list[int], rare: bool
) -> None:
    assert bool(options_for(counts)) is rare


def test_a_mask_is_judged_without_a_background_that_is_nearly_everywhere() -> None:
    assert options_for([998, 2], masks=True)["foreground"] is True
    assert "foreground" not in options_for([2, 998], masks=True)
    assert options_for([60, 40], masks=True) == {}
    assert "foreground" in options_for([2, 998], masks=True, background=1)
    for other in (1, None, 7):
        assert "foreground" not in options_for([998, 2], masks=True, background=other)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=5).filter(any))
def test_what_is_chosen_can_be_given_to_a_task(counts: list[int]) -> None:
    options = resolved("y", options_for(counts), counts)
    for kind in (Segmentation, Tagging):
        task = kind("y", classes=len(counts), **options)
        assert (task.dice > 0) is bool(options)


def test_words_become_numbers() -> None:
    assert resolved("y", {"class_weights": "balanced"}, [6, 2]) == {"class_weights": [2 / 3, 2.0]}
    found = resolved("y", {"class_weights": "sqrt", "prior": "labels", "dice": 2}, [8, 2])
    assert found["prior"] == [8, 2]
    assert found["dice"] == 2
    rare, frequent = found["class_weights"][1], found["class_weights"][0]
    assert rare / frequent == pytest.approx(2.0)  # the root of 8 / 2
    given = {"class_weights": [1.0, 2.0], "prior": [0.5, 0.5]}
    assert resolved("y", given, [1, 1]) == given


def test_other_words_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be balanced, sqrt or a number.*Did you mean"):
        resolved("y", {"class_weights": "balancd"}, [1, 1])
    with pytest.raises(ConfigError, match=r"`prior` of task 'y' must be labels or a number"):
        resolved("y", {"prior": "balanced"}, [1, 1])
