"""Entries of a search, read and checked before anything is loaded."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.experiments.search.entries import check_entries, choices_in, pairs


def test_words_and_files_are_pairs(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("weights: true\nsharing.experts: [2, 4]\n")
    found = list(pairs(["epochs", "optimizer.lr=1e-4..1e-2", str(path), "a.b={c: 1}=x"]))
    assert found == [
        ("epochs", None),
        ("optimizer.lr", "1e-4..1e-2"),
        ("weights", None),
        ("sharing.experts", [2, 4]),
        ("a.b", "{c: 1}=x"),
    ]


def test_choices_of_a_text_and_of_a_list() -> None:
    assert choices_in("batch_size", "8,16") == [8, 16]
    assert choices_in("optimizer.lr", "1e-3, 1e-2") == [1e-3, 1e-2]
    assert choices_in("connections.0.alpha", "1,2") == [1, 2]
    chosen = [{"class": "CAGrad", "c": 0.2}, "Equal"]
    assert choices_in("balancing", "{class: CAGrad, c: 0.2}, Equal") == chosen
    assert choices_in("balancing", chosen) == chosen


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("balancing=Equal,UPGard", "unknown balancer 'UPGard'; .*Did you mean 'UPGrad'"),
        ("sharing=Hard,{class: MMOE}", "unknown sharing 'MMOE'; .*Did you mean 'MMoE'"),
        ("encoder=MLPEncoder,MLP", "unknown encoder 'MLP'"),
        ("balancing=Equal", "leaves nothing to search"),
        ("balancing=Equal,Equal", "has the choice Equal twice"),
        ("=1..2", "must be KEY=RANGE"),
        ("nowhere.yaml", "there is no configuration file nowhere.yaml"),
    ],
)
def test_what_can_be_told_early_is(word: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_entries([word])


def test_all_else_is_left_to_the_reader() -> None:
    check_entries(["balancing=Equal,UPGrad,package.module:Own", "balancing", "weights=1..2"])
    check_entries(["optimizer=Adam,Adm", "sharing.experts=x", "foo=1"])
