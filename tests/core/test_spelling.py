"""Labels whose names look like that of a task without labels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core import Batch
from plait.core.errors import DataError
from plait.core.spelling import looks_like
from plait.data import Collation
from plait.tasks import Classification, Regression

TASKS = [Classification("kind", classes=2), Regression("price")]
X, KIND, PRICE = torch.zeros(2, 3), torch.tensor([0, 1]), torch.zeros(2, 1)


@pytest.mark.parametrize("name", ["knid", "Kind", "kinds", "kin", "_kind", "kimd", "KIND "])
def test_a_misspelt_name_is_refused_with_the_right_one(name: str) -> None:
    message = rf"label {name!r} belongs to no task, .* 'kind' has no labels .* mean 'kind'\?"
    with pytest.raises(DataError, match=message):
        Batch.of(X, {name: KIND, "price": PRICE}, TASKS)
    with pytest.raises(DataError, match=message):
        Collation(TASKS)([(X[0], {name: KIND[0], "price": PRICE[0]})])


@pytest.mark.parametrize("name", ["row_number", "id", "weight", "owner", "split", "price_2"])
def test_names_that_look_like_no_task_stay(name: str) -> None:
    for labels in ({"kind": KIND, "price": PRICE}, {"price": PRICE}, {"kind": KIND}):
        if name == "price_2" or name not in labels:
            assert list(Batch.of(X, {**labels, name: KIND}, TASKS).counts) == list(labels)


def test_a_name_beside_the_right_one_stays() -> None:
    batch = Batch.of(X, {"knid": KIND, "kind": KIND, "price": PRICE}, TASKS)
    assert list(batch.counts) == ["kind", "price"]
    assert list(Batch.of(X, {"kind": KIND}, TASKS).counts) == ["kind"], "in turns"
    alone = Batch.of(X, {"kind": KIND, "kinds": KIND, "price": PRICE}, TASKS[:1])
    assert list(alone.counts) == ["kind"], "a model of one task"


@given(st.text("abcdefghij", min_size=5, max_size=12), st.data())
def test_one_slip_of_the_pen_is_seen(name: str, data: st.DataObject) -> None:
    """Two neighbours that changed places, or a letter more or less."""
    place = data.draw(st.integers(0, len(name) - 2))
    turned = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    for slip in (turned, name[:place] + name[place + 1 :], name[:place] + "x" + name[place:]):
        assert looks_like(slip, name) and looks_like(name, slip)


@given(st.integers(0, 99), st.integers(0, 99), st.sampled_from(["task{}", "{}", "a_{}_b", "h-{}"]))
def test_numbered_names_are_siblings(one: int, two: int, form: str) -> None:
    assert looks_like(form.format(one), form.format(two)) == (one == two)
