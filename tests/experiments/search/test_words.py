"""The space as people write it: words, files, and what is said of a wrong one."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments import open_problem, parse, validate, with_defaults
from plait.experiments.search.defaults import default_space
from plait.experiments.search.space import Space
from plait.experiments.search.words import read_space
from tests.experiments.search.opened import opened
from tests.experiments.tiny import TINY


def read(*words: str, **settings: Any) -> Space:
    return read_space(words, *opened(**settings))


WEIGHTS = "weights of mask, spot relative to that of quarter: 0.1 to 10, log-uniform"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["optimizer.lr=1e-4..1e-2"], ["optimizer.lr: 0.0001 to 0.01, log-uniform"]),
        (["optimizer.lr=0.1..0.5"], ["optimizer.lr: 0.1 to 0.5, uniform"]),
        (["optimizer.momentum=0..0.9"], ["optimizer.momentum: 0 to 0.9, uniform"]),
        (["optimizer.lr"], ["optimizer.lr: 0.005 to 0.5, log-uniform"]),
        (["optimizer.weight_decay"], ["optimizer.weight_decay: 1e-05 to 0.1, log-uniform"]),
        (["sharing.experts=2,4,8"], ["sharing.experts: 2, 4, 8"]),
        (["sharing.experts=2..8"], ["sharing.experts: 2 to 8, integers"]),
        (["sharing.experts"], ["sharing.experts: 2 to 8, integers"]),
        (["sharing.copies"], ["sharing.copies: clone, reset"]),
        (["batch_size=4,8", "batch_size=8,16"], ["batch_size: 8, 16"]),
        (["weights"], [WEIGHTS]),
        (["weights=0.5..2"], [WEIGHTS.replace("0.1 to 10", "0.5 to 2")]),
        (["balancing=Equal,UPGrad,FAMO"], ["balancing: Equal, UPGrad, FAMO"]),
        (
            ["balancing={class: CAGrad, c: 0.2},Equal"],
            ['balancing: {"class": "CAGrad", "c": 0.2}, Equal'],
        ),
        (
            ["balancing=Equal,CAGrad", "balancing.c=0.1..0.9"],
            ["balancing: Equal, CAGrad", "balancing.c: 0.1 to 0.9, uniform"],
        ),
        (["clip=null,1.0"], ["clip: null, 1.0"]),
    ],
)
def test_words_and_what_they_mean(words: list[str], lines: list[str]) -> None:
    assert read(*words, sharing="MMoE").described() == lines


def test_a_method_alone_means_all_its_options() -> None:
    found = [each.key for each in read("sharing", sharing="MMoE").dimensions]
    assert found == ["sharing.experts", "sharing.copies", "sharing.gate_input"]


def test_no_word_is_the_default_which_others_are_laid_on() -> None:
    config, problem = opened()
    assert read_space([], config, problem) == default_space(config, problem)
    assert read_space(["default"], config, problem) == default_space(config, problem)
    found = read_space(["default", "optimizer.lr=0.1..0.2"], config, problem).described()
    assert found[0] == "optimizer.lr: 0.1 to 0.2, uniform"
    assert len(found) == len(default_space(config, problem).described())


def test_a_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "optimizer.lr: 1e-4..1e-2\nsharing.experts: [2, 4, 8]\nweights: true\n"
        "balancing: [Equal, {class: CAGrad, c: 0.2}]\n"
    )
    words = ["optimizer.lr=1e-4..1e-2", "sharing.experts=2,4,8", "weights"]
    words.append("balancing=Equal,{class: CAGrad, c: 0.2}")
    assert read(str(path), sharing="MMoE") == read(*words, sharing="MMoE")
    over = read(str(path), "optimizer.lr=1..2", sharing="MMoE")
    assert over.described()[0] == "optimizer.lr: 1 to 2, uniform"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("sharing.expert=2,3", "unknown setting 'sharing.expert' to search. Did you mean"),
        ("optimiser.lr=1..2", "Did you mean 'optimizer.lr'"),
        ("foo", "unknown setting 'foo' to search. `plait train FILE --help-settings`"),
        ("balancing=Equal,UPGrd", "unknown balancer 'UPGrd'; .*Did you mean 'UPGrad'"),
        ("seed=1,2", "the best of several seeds is the luckiest"),
        ("rule=skill,loss", "`rule` is no setting to search: it says what is learned, how"),
        ("tasks.mask.weight=1..2", "write `weights` for static weights"),
        ("optimizer.lr=-1..1", "a run cannot have optimizer.lr=-1.0: `lr` must be a"),
        ("optimizer.lr=2..1", "must be LOW..HIGH with LOW < HIGH; found 2..1"),
        ("optimizer.lr=1..1", "must be LOW..HIGH with LOW < HIGH; found 1..1"),
        ("optimizer.lr=0.1", "needs a range, LOW..HIGH, or several choices, A,B,C; found '0.1'"),
        ("optimizer.lr=a..b", "found 'a..b', which leaves nothing to search"),
        ("optimizer.lr=", "must be KEY=RANGE; found 'optimizer.lr='"),
        ("=1..2", "must be KEY=RANGE; found '=1..2'"),
        ("batch_size=8,8", "has the choice 8 twice"),
        ("batch_size=8,nine", "setting 'batch_size'"),
        ("batch_size=[8", "is not valid YAML"),
        ("sharing.experts=0..8", "a run cannot have sharing.experts=0: `experts` must be"),
        ("epochs", "`epochs` has no range that could be searched without being told"),
        ("balancing", "`balancing` has no options that could be searched"),
        ("weights=0..3", "needs a range of positive ratios"),
        ("weights=1,2", "needs a range of positive ratios"),
        ("nowhere.yaml", "there is no configuration file nowhere.yaml"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told(word: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(word, sharing="MMoE")


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (["weights"], {"balancing": "IMTLG"}, "goes the same way whatever the scale"),
        (["weights", "balancing=Equal,IMTLG"], {}, "goes the same way whatever the scale"),
        (["weights"], {"rule": "loss"}, "cannot be chosen by rule 'loss', which they change"),
        (["weights"], {"tasks": ["mask"]}, "a run of one task has no static weights"),
        (
            ["optimizer.lr=0.1..1"],
            {"scheduler": {"class": "OneCycleLR", "max_lr": 0.1}},
            "`optimizer.lr` has no effect: the scheduler sets the rate by `scheduler.max_lr`",
        ),
    ],
)
def test_what_has_no_effect_is_told(words: list[str], settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(*words, **settings)


PAGE = Path(__file__).parents[3] / "docs" / "tune.md"
LINES = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("plait tune ")]


@pytest.mark.parametrize("line", [line for line in LINES if "space.yaml" not in line])
def test_the_words_of_the_page_are_understood(line: str) -> None:
    words = shlex.split(line)[2:]
    recipe = TINY if words[0] == "config.yaml" else {"class": "digits", "scenes": 20}
    over = [words[place + 1] for place, word in enumerate(words) if word == "--over"]
    settings = parse([word for word in words if "=" in word and word not in over])
    config = validate(with_defaults({"recipe": recipe, **settings}))
    assert read_space(over, config, open_problem(config)).dimensions
