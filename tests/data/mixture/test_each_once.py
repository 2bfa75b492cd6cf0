"""Every source once, to measure a model."""

from collections import Counter

import pytest
import torch

from plait.core.errors import DataError
from plait.data import EachOnce, Source
from tests.data.mixture.tables import LARGE, MIDDLE, SMALL, contents, sources, table, tasks


def test_each_example_comes_once_in_the_order_of_the_sources() -> None:
    made = EachOnce(sources(), tasks=tasks())
    for _ in range(2):
        found = contents(made)
        count: Counter[str] = Counter()
        for ((name, numbers),) in found:
            count[name] += len(numbers)
        assert count == {"large": LARGE, "middle": MIDDLE, "small": SMALL}
        assert list(count) == ["large", "middle", "small"]


def test_one_source_alone_and_keyed_inputs() -> None:
    given = {"a": Source(table("small", 4), batch_size=3, shuffle=False)}
    (first, _) = EachOnce(given, tasks=tasks(), stems=True).of("a")
    assert torch.equal(first.parts[0].inputs["a"], torch.arange(3.0)[:, None])


def test_an_error_names_its_source() -> None:
    bad = [(torch.zeros(1), {"common": "no number"})] * 4
    with pytest.raises(DataError, match="source 'bad': "):
        list(EachOnce({"bad": Source(bad, batch_size=2)}, tasks=tasks()))
