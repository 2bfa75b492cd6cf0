"""What to try next is said where a task got worse."""

from plait.reports.words.advice import next_step
from tests.reports.words.made import of_members, of_tasks


def test_tasks_that_got_worse_are_named_with_what_to_try() -> None:
    text = next_step(of_tasks(a=[-10.0], b=[5.0], c=[-3.0]))
    assert text.startswith("What to try next for a and c: ")
    assert "sharing=MMoE" in text


def test_nothing_is_said_where_nothing_got_worse_or_several_are_compared() -> None:
    assert next_step(of_tasks(a=[10.0], b=[0.0])) == ""
    assert next_step(of_members(x=-2.0, y=4.0)) == ""
