import inspect
import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core import errors
from plait.core.errors import NonFiniteError, PlaitError, suggest, unknown

FAMILY = {
    name: item
    for name, item in vars(errors).items()
    if inspect.isclass(item)
    and item.__module__ == errors.__name__
    and not issubclass(item, Warning)
}


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_every_error_is_of_the_family_and_of_a_builtin_kind(name: str) -> None:
    """So that `except ValueError` of a caller who does not know plait works, too."""
    error = FAMILY[name]
    assert issubclass(error, PlaitError)
    if error is not PlaitError:
        builtin = (ValueError, NotImplementedError, ArithmeticError, ImportError, RuntimeError)
        assert issubclass(error, builtin)


names = st.text(string.ascii_letters, min_size=4, max_size=12)


@given(names, st.lists(names, max_size=4), st.data())
def test_one_wrong_letter_is_understood(name: str, others: list[str], data: st.DataObject) -> None:
    """A slip is nearer to its own name than to names that share no letter with it."""
    position = data.draw(st.integers(0, len(name) - 1))
    slip = name[:position] + "_" + name[position + 1 :]
    far = [other for other in others if not set(other.lower()) & set(name.lower())]
    assert suggest(slip, [*far, name]) == f" Did you mean {name!r}?"


def test_case_does_not_matter_and_nothing_near_is_no_suggestion() -> None:
    assert suggest("pcgrad", ["UPGrad", "PCGrad"]) == " Did you mean 'PCGrad'?"
    assert suggest("xyz", ["PCGrad", "UPGrad"]) == ""
    assert suggest("xyz", []) == ""


def test_the_message_lists_what_is_known() -> None:
    message = unknown("task", "mak", (name for name in ("mask", "digit")))
    assert message == "unknown task 'mak'; known: digit, mask. Did you mean 'mask'?"
    assert unknown("task", 3, ["digit"]) == "unknown task 3; known: digit."


def test_what_is_not_finite_names_its_tasks_also_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(NonFiniteError("both are nan", ["a", "b", "a"])))
    assert str(error) == "both are nan"
    assert error.tasks == ("a", "b")
    assert NonFiniteError("the penalty is nan").tasks == ()
