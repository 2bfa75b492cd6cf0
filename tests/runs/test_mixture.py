"""How a mixture is said."""

from plait.runs import MixturePlan, SourcePlan
from plait.runs.mixture import mixture_lines, mixture_rows


def plan(**sources: SourcePlan) -> MixturePlan:
    return MixturePlan(policy="RoundRobin()", steps=1_200, rule="in turn", sources=sources)


def test_a_table_below_the_rule() -> None:
    web = SourcePlan(examples=12_345, batch_size=31.96, share=0.75, steps=800.4, passes=2.0719)
    lines = mixture_lines(plan(web=web))
    assert lines[0] == "mixture of 1 source by RoundRobin(): an epoch has 1,200 steps: in turn"
    assert lines[2].split() == ["web", "12,345", "31.96", "75.0", "%", "800", "2.07"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_what_is_unknown_is_a_question_mark() -> None:
    stream = SourcePlan(examples=None, batch_size=None, share=None, steps=1, passes=None)
    assert mixture_rows(plan(s=stream)) == [("s", "?", "?", "?", "1", "?")]
