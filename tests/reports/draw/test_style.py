"""Looks can be told apart, and text is never markup."""

import pytest

from plait.reports.draw.style import GREY, Look, blank, embed, looks, plain
from tests.reports.figure import figure


@pytest.mark.parametrize("dashed", [False, True])
@pytest.mark.parametrize("count", [1, 6, 18])
def test_up_to_eighteen_look_different(count: int, dashed: bool) -> None:
    found = looks([f"t{i}" for i in range(count)], dashed=dashed)
    assert len(set(found.values())) == count


def test_few_lines_over_each_other_differ_by_colour_and_by_dash() -> None:
    found = list(looks(["a", "b", "c"], dashed=True).values())
    assert len({look.colour for look in found}) == len({look.dash for look in found}) == 3


def test_every_dash_has_strokes_for_the_legend() -> None:
    found = looks([f"t{i}" for i in range(18)]).values()
    assert {look.strokes for look in found} == {"none", "7 3 2 3", "2 3"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("<b>a</b>", "&lt;b&gt;a&lt;/b&gt;"), ("a" * 25, "a" * 23 + "…"), ("it's", "it's")],
)
def test_text_is_escaped_and_shortened(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_chart_holds_neither_the_library_nor_its_theme() -> None:
    text = embed(blank([]), "ident", height=123)
    assert 'id="ident"' in text
    assert figure(text)["layout"]["height"] == 123
    assert GREY in text
    assert len(text) < 3000


def test_what_a_chart_says_cannot_end_its_script() -> None:
    figure_ = blank([])
    figure_.update_layout(title="</script><script>alert(1)</script>&amp;")
    text = embed(figure_, "ident")
    assert text.count("<script") == text.count("</script>") == 1
    assert figure(text)["layout"]["title"]["text"] == "</script><script>alert(1)</script>&amp;"


def test_each_dash_has_a_symbol_of_its_own() -> None:
    dashes = ("solid", "dashdot", "dot", "dash")
    assert len({Look(GREY, dash).symbol for dash in dashes}) == 4
