"""Members by words and from files."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.experiments import validate, with_defaults
from plait.experiments.comparison.named import (
    dotted,
    member_of,
    members_of,
    read_members,
    told_whole,
)


@pytest.mark.parametrize(
    ("word", "name", "settings"),
    [
        ("UPGrad", "upgrad", {"balancing": "UPGrad"}),
        ("mmoe", "mmoe", {"sharing": "MMoE"}),
        (
            "MMoE:experts=8+CAGrad:c=0.4",
            "mmoe-experts-8-cagrad-c-0.4",
            {
                "sharing": {"class": "MMoE", "experts": 8},
                "balancing": {"class": "CAGrad", "c": 0.4},
            },
        ),
        (
            "cross-stitch",
            "crossstitch",
            {"sharing": "Separate", "connections": "CrossStitch"},
        ),
        (
            "MeanRegularized:strength=0.1",
            "meanregularized-strength-0.1",
            {
                "sharing": "Separate",
                "regularization": {"class": "MeanRegularized", "strength": 0.1},
            },
        ),
    ],
)
def test_a_word_is_a_member(word: str, name: str, settings: dict[str, object]) -> None:
    member = member_of(word)
    assert member.settings == settings
    assert "/" not in member.name
    assert member.name == name


def test_a_title_has_what_the_comparison_gives_the_member() -> None:
    settings = {"recipe": "digits", "balancing": "UPGrad", "connections": ["Hint", "CrossStitch"]}
    config = validate(with_defaults({**settings, "sharing": "Separate"}))
    titles = [
        told_whole(member_of(word), config).title for word in ("MMoE", "CrossStitch", "FAMO+MMoE")
    ]
    assert titles == [
        "MMoE + UPGrad + Hint + CrossStitch",
        "CrossStitch + UPGrad",
        "FAMO + MMoE + Hint + CrossStitch",
    ]
    plain = validate(with_defaults({"recipe": "digits", "balancing": "Equal"}))
    assert told_whole(member_of("MMoE"), plain).title == "MMoE"


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        (["UPGard"], "unknown method 'UPGard'.*UPGrad"),
        (["UPGrad+FAMO"], "two of balancing"),
        (["UPGrad", "upgrad"], "two members are named"),
        (["MMoE:experts"], "key=value"),
        (["missing.yaml"], "no configuration file"),
    ],
)
def test_a_word_that_names_none_is_refused(words: list[str], finding: str) -> None:
    with pytest.raises(ConfigError, match=finding):
        members_of(words)


def test_a_file_of_members(tmp_path: Path) -> None:
    path = tmp_path / "members.yaml"
    path.write_text(
        "large: {sharing: {class: MMoE, experts: 8}, optimizer.lr: 1e-4}\n"
        "FAMO:\n"
        "told: {title: In full, formula: min L, settings: {balancing: UPGrad}}\n"
    )
    large, famo, told = read_members(path)
    assert large.settings["optimizer"] == {"lr": 1e-4}
    assert famo.settings == {"balancing": "FAMO"}
    assert (told.name, told.title, told.formula) == ("told", "In full", "min L")
    assert [each.name for each in members_of([str(path), "UPGrad"])][:1] == ["large"]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("a: 3", "member 'a' must have settings"),
        ("a: {sharring: MMoE}", "unknown setting 'sharring'"),
        ("{}", "names no member"),
        ("nothing:", "unknown method 'nothing'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, finding: str, tmp_path: Path) -> None:
    path = tmp_path / "members.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=finding):
        read_members(path)


def test_the_name_of_the_separate_networks_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "members.yaml"
    path.write_text("single: {sharing: Hard}\n")
    with pytest.raises(ConfigError, match="'single', as the separate networks are"):
        members_of([str(path)])


def test_keys_with_points_are_taken_apart() -> None:
    found = dotted({"balancing.c": 0.4, "balancing": "CAGrad", "epochs": 3})
    assert found == {"balancing": {"class": "CAGrad", "c": 0.4}, "epochs": 3}
