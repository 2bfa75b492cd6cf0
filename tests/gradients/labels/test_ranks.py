"""Labels in passes, against loops over the examples."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.gradients.labels.ranks import Ranks


@given(st.integers(1, 6), st.integers(1, 8), st.floats(0, 1), st.integers(0, 1000))
def test_each_label_is_in_one_pass_and_each_example_at_most_once_in_a_pass(
    tasks: int, examples: int, share: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(tasks, examples, generator=generator) < share
    ranks = Ranks.of({str(task): mask for task, mask in enumerate(masks)})
    assert ranks.passes == max(masks.sum(0).tolist(), default=0)
    labels = [(t, e) for t in range(tasks) for e in range(examples) if masks[t, e]]
    assert list(zip(ranks.task.tolist(), ranks.example.tolist(), strict=True)) == labels
    assert ranks.labels == len(labels)
    seen: list[int] = []
    for place, carried in zip(ranks.places, ranks.carried, strict=True):
        in_pass = ranks.example[place].tolist()
        assert len(set(in_pass)) == len(in_pass)
        assert carried == {labels[number][0] for number in place.tolist()}
        seen += place.tolist()
    assert sorted(seen) == list(range(len(labels)))
    for task, own in enumerate(ranks.slices):
        assert set(ranks.task[own].tolist()) <= {task}
        assert own.stop - own.start == int(masks[task].sum())
    for number, place in enumerate(ranks.places):
        where = ranks.rank[ranks.task[place], ranks.example[place]]
        assert (where == number).all()
    assert ((ranks.rank >= 0) == masks).all()


@pytest.mark.parametrize("examples", [0, 3])
def test_no_label_is_no_pass(examples: int) -> None:
    ranks = Ranks.of({"a": torch.zeros(examples, dtype=torch.bool)})
    assert (ranks.passes, ranks.labels, ranks.places, ranks.carried) == (0, 0, (), ())
    assert ranks.slices == (slice(0, 0),)
