import pytest
import yaml

from plait.experiments.unique_keys import UniqueKeys


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: {a: 1, c: [1, {a: 2}]}",
        "base: &b {x: 1}\nmore: &m {<<: *b, x: 2}\nlast: {<<: *m, x: 3}",
        "{}",
        "- a\n- a",
        "? [1, 2]\n: 3",
    ],
)
def test_it_reads_what_safe_load_reads(text: str) -> None:
    try:
        expected = yaml.safe_load(text)
    except yaml.YAMLError as error:
        with pytest.raises(type(error)):
            yaml.load(text, UniqueKeys)
    else:
        assert yaml.load(text, UniqueKeys) == expected


@pytest.mark.parametrize(
    "text", ["a: 1\nb: 2\na: 3", "c:\n  a: 1\n  a: 3", "{b: 1,\n\na: 1, a: 1}"]
)
def test_a_key_that_is_there_twice_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="line 3 has the key 'a' a second time"):
        yaml.load(text, UniqueKeys)
