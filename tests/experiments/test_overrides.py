"""`key=value` settings and YAML files."""

import copy
import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import ConfigError
from plait.experiments import merge, parse, read_yaml

KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True).filter(
    lambda word: isinstance(yaml.safe_load(word), str)
)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = WORDS | NUMBERS | st.booleans() | st.none() | st.lists(WORDS | st.integers(), max_size=3)
METHODS = st.dictionaries(KEYS, VALUES, max_size=3).flatmap(
    lambda options: WORDS.map(lambda name: {"class": name, **options})
)
SETTINGS = st.dictionaries(KEYS, VALUES | METHODS, max_size=5)


def written(value: Any) -> str:
    """A value as a user writes it on the command line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()


def words(settings: dict[str, Any]) -> list[str]:
    """Settings as the words that set them: ``key=Class key.option=value``."""
    found = []
    for key, value in settings.items():
        options = value if isinstance(value, dict) else {"class": value}
        for option, each in options.items():
            name = key if option == "class" else f"{key}.{option}"
            found.append(f"{name}={written(each)}")
    return found


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """A method without options is its name alone."""
    return {
        key: value["class"] if isinstance(value, dict) and len(value) == 1 else value
        for key, value in settings.items()
    }


@given(SETTINGS)
def test_what_is_written_is_read(settings: dict[str, Any]) -> None:
    assert parse(words(settings)) == plain(settings)


@given(SETTINGS, st.randoms(use_true_random=False))
def test_the_order_of_different_settings_does_not_matter(
    settings: dict[str, Any], random: Any
) -> None:
    """An option may come before the method that has it."""
    shuffled = words(settings)
    random.shuffle(shuffled)
    assert parse(shuffled) == plain(settings)


@given(KEYS, VALUES, VALUES)
def test_the_last_of_two_wins(key: str, first: Any, second: Any) -> None:
    assert parse([f"{key}={written(first)}", f"{key}={written(second)}"]) == {key: second}


def test_the_last_of_two_methods_wins() -> None:
    given = ["optimizer=SGD", "optimizer.lr=1", "optimizer=Adam"]
    assert parse(given) == {"optimizer": {"class": "Adam", "lr": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("-2.5e+3", -2500.0),
        (".5e1", 5.0),
        ("3", 3),
        ("0.1", 0.1),
        ("true", True),
        ("null", None),
        ("", None),
        ("[1e-3, x]", [1e-3, "x"]),
        ("{a: 1e2}", {"a": 100.0}),
        ("1e", "1e"),
        ("e3", "e3"),
        ("1e-3x", "1e-3x"),
        ("package.module:Class", "package.module:Class"),
        ("a=b", "a=b"),
        ("task/metric", "task/metric"),
        ("'1e-3 '", "1e-3 "),
    ],
)
def test_values(text: str, value: Any) -> None:
    (found,) = parse([f"key={text}"]).values()
    assert found == value
    assert type(found) is type(value)


def test_deeper_keys_and_lists() -> None:
    found = parse(["form.mask=2", "form.digit=.5", "tasks=[digit, mask]", "a.b.c=1"])
    assert found == {
        "form": {"mask": 2, "digit": 0.5},
        "tasks": ["digit", "mask"],
        "a": {"b": {"c": 1}},
    }


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("epochs", "must be key=value; found 'epochs'"),
        ("=3", "must be key=value; found '=3'"),
        ("", "must be key=value; found ''"),
        ("tasks=[digit", r"value of 'tasks' is not valid YAML: '\[digit'"),
        ("x=!!python/object:os.system {}", "not valid YAML"),
    ],
)
def test_what_is_no_setting_is_refused(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse([setting])


# --- merge ----------------------------------------------------------------------------------


@given(SETTINGS)
def test_nothing_laid_over_changes_nothing(settings: dict[str, Any]) -> None:
    assert merge(settings, {}) == settings
    assert merge({}, settings) == settings
    assert merge(settings, settings) == settings


@given(SETTINGS, SETTINGS)
def test_what_is_laid_over_wins(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(base, over)
    assert merged.keys() == base.keys() | over.keys()
    for key, value in merged.items():
        if key not in over:
            assert value == base[key]
        elif not isinstance(over[key], dict) and not isinstance(base.get(key), dict):
            assert value == over[key]
        elif isinstance(over[key], dict):
            assert over[key].items() <= value.items()
            kept = value.keys() - over[key].keys()
            assert not kept or base[key]["class"] == over[key]["class"]


@given(SETTINGS, SETTINGS)
def test_the_arguments_stay_as_they_are(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = copy.deepcopy((base, over))
    merge(base, over)
    assert (base, over) == before


METHOD = {"class": "AdamW", "lr": 0.1, "eps": 1e-8}


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        (METHOD, {"lr": 0.2}, {"class": "AdamW", "lr": 0.2, "eps": 1e-8}),
        (METHOD, "AdamW", METHOD),
        (METHOD, {"class": "AdamW", "lr": 0.2}, {"class": "AdamW", "lr": 0.2, "eps": 1e-8}),
        (METHOD, "SGD", {"class": "SGD"}),
        (METHOD, {"class": "SGD", "lr": 1}, {"class": "SGD", "lr": 1}),
        (METHOD, None, None),
        (None, "SGD", "SGD"),
        ("SGD", {"lr": 1}, {"class": "SGD", "lr": 1}),
        ("SGD", {"class": "Adam", "lr": 1}, {"class": "Adam", "lr": 1}),
        ("SGD", "Adam", "Adam"),
        ({"mask": 1.0}, {"digit": 2.0}, {"mask": 1.0, "digit": 2.0}),
    ],
)
def test_methods_are_replaced_whole_or_get_options(base: Any, over: Any, expected: Any) -> None:
    assert merge({"key": base, "other": 1}, {"key": over}) == {"key": expected, "other": 1}


# --- files ----------------------------------------------------------------------------------


def test_a_file_says_the_same_as_words(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("recipe: digits\noptimizer: {class: SGD, lr: 1e-3}\ntasks: [digit]\n")
    given = ["recipe=digits", "optimizer=SGD", "optimizer.lr=1e-3", "tasks=[digit]"]
    assert read_yaml(path) == parse(given)


@given(SETTINGS)
def test_a_dumped_file_is_read_back(settings: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        path.write_text(yaml.safe_dump(settings))
        found = read_yaml(path)
    assert found == settings


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no configuration file .*run.yaml"),
        (b"a: [1", "run.yaml is not valid YAML"),
        (b"- 1\n- 2\n", "must hold settings, `key: value`; found list"),
        (b"", "must hold settings, `key: value`; found NoneType"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        (b"a: !!python/object/apply:os.system [true]", "is not valid YAML"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_yaml(path)


# --- options that are methods ---------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    list(itertools.permutations(["sharing=Conditioned", "sharing.by=LoRA", "sharing.by.rank=4"])),
)
def test_an_option_that_is_a_method_has_options(words: tuple[str, ...]) -> None:
    by = {"class": "LoRA", "rank": 4}
    assert parse(words) == {"sharing": {"class": "Conditioned", "by": by}}


@pytest.mark.parametrize("words", [["a.b=1", "a={class: X}"], ["a={class: X}", "a.b=1"]])
def test_a_mapping_and_its_options_come_in_either_order(words: list[str]) -> None:
    assert parse(words) == {"a": {"class": "X", "b": 1}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["r=[A, B]", "r.strength=1"],
            r"sets an option of 'r', which is \['A', 'B'\]",
        ),
        (["epochs=3", "epochs.x=1"], "an option of 'epochs', which is 3 and has none"),
        (["c=null", "c.alpha=1"], "an option of 'c', which is None"),
        (["a.b=1", "a.b.c.d=2"], "an option of 'a.b', which is 1 .*write it whole: b={class: NAME"),
        (["a.b.rank=4", "a.b=3"], r"'a.b=3' is no name, so its options \(rank\) have no effect"),
        (["a..b=1"], "a setting must be key=value; found 'a..b=1'"),
    ],
)
def test_options_of_what_has_none_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(words)


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        (
            {"class": "C", "by": {"class": "LoRA", "rank": 4}},
            {"by": {"rank": 8}},
            {"class": "C", "by": {"class": "LoRA", "rank": 8}},
        ),
        (
            {"class": "C", "by": {"class": "LoRA", "rank": 4}},
            {"by": "Film"},
            {"class": "C", "by": {"class": "Film"}},
        ),
        (
            {"class": "C", "by": "LoRA"},
            {"by": {"rank": 8}},
            {"class": "C", "by": {"class": "LoRA", "rank": 8}},
        ),
        ({"class": "C", "by": "LoRA"}, {"class": "D", "x": 1}, {"class": "D", "x": 1}),
        ({"lr": 1}, {"class": "SGD"}, {"class": "SGD", "lr": 1}),
    ],
)
def test_nested_methods_are_laid_over_likewise(base: Any, over: Any, expected: Any) -> None:
    assert merge({"key": base}, {"key": over}) == {"key": expected}


COLUMNS = {"tasks": {"class": {"kind": "number"}, "kind": "category", "b": {"kind": "yes/no"}}}


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        (
            {"tasks": {"price": "number", "b": "category"}},
            {"tasks": {"price": {"weight": 2}}},
            {"tasks": {"price": {"kind": "number", "weight": 2}, "b": "category"}},
        ),
        (
            {"tasks": {"price": {"kind": "number", "bounded": True}}},
            {"tasks": {"price": "category"}},
            {"tasks": {"price": {"kind": "category"}}},
        ),
        (
            {"inputs": {"age": "number"}},
            {"inputs": {"age": {"missing": "?"}}},
            {"inputs": {"age": {"kind": "number", "missing": "?"}}},
        ),
        ({"split": "part"}, {"split": {"seed": 1}}, {"split": {"column": "part", "seed": 1}}),
        ({"split": "part"}, {"split": {"column": None}}, {"split": {"column": None}}),
        (
            COLUMNS,
            {"tasks": {"class": {"weight": 2}, "kind": {"weight": 3}}},
            {
                "tasks": {
                    "class": {"kind": "number", "weight": 2},
                    "kind": {"kind": "category", "weight": 3},
                    "b": {"kind": "yes/no"},
                }
            },
        ),
        (
            COLUMNS,
            {"tasks": ["kind"]},
            {"tasks": {"class": None, "kind": "category", "b": None}},
        ),
    ],
)
def test_columns_have_a_kind_and_any_name(base: Any, over: Any, expected: Any) -> None:
    assert merge(base, over) == expected


def test_columns_are_set_by_words() -> None:
    words = ["tasks.price=number", "tasks.price.weight=2", "tasks.class.weight=3", "split=part"]
    expected = {
        "tasks": {"price": {"kind": "number", "weight": 2}, "class": {"weight": 3}},
        "split": {"column": "part", "seed": 1},
    }
    for order in (words, words[::-1]):
        assert parse([*order, "split.seed=1"]) == expected
    with pytest.raises(ConfigError, match=r"'inputs.age.missing.x=1' sets an option of"):
        parse(["inputs.age.missing=no", "inputs.age.missing.x=1"])
