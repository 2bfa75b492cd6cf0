"""Text as the codes of a tokenizer."""

from pathlib import Path

import pytest

from plait.core.columns import Column
from plait.core.errors import ConfigError
from plait.data import tokenizer
from plait.data.tokenizer import codes_of_texts, read_tokenizer
from tests.data.tokenizers import small_tokenizer

TEXTS = ["The cat sat", "", "a CAT"]


def coded(texts: list[str], text: str, length: int = 0) -> list[list[int]]:
    return codes_of_texts(texts, text, length)


def test_codes_are_the_tokenizers_own_with_its_marks_and_without_its_padding() -> None:
    assert coded(TEXTS, small_tokenizer()) == [[2, 4, 5, 6, 3], [2, 3], [2, 1, 5, 3]]


def test_what_is_longer_is_cut_off_and_keeps_its_marks() -> None:
    assert coded(TEXTS, small_tokenizer(), 3) == [[2, 4, 3], [2, 3], [2, 1, 3]]
    assert coded(TEXTS, small_tokenizer())[0] == [2, 4, 5, 6, 3]  # the bound was of one call


def test_a_text_without_a_code_is_one_missing_word() -> None:
    assert coded(TEXTS, small_tokenizer(marks=False)) == [[4, 5, 6], [0], [1, 5]]
    assert coded([], small_tokenizer()) == []


def test_its_codes_are_counted_with_what_was_added() -> None:
    assert Column("said", "text", tokenizer=small_tokenizer()).codes == 9


def test_it_is_read_from_a_file_or_a_folder(tmp_path: Path) -> None:
    text = small_tokenizer()
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    assert read_tokenizer(tmp_path) == read_tokenizer(str(tmp_path / "tokenizer.json")) == text


def test_a_tokenizer_of_transformers_writes_it(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer.from_str(small_tokenizer())
    made.no_padding()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made)
    fast.save_pretrained(tmp_path)
    assert coded(TEXTS, read_tokenizer(tmp_path)) == fast(TEXTS)["input_ids"]


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"model": {"vocab": {}}}', "\x00"])
def test_what_is_no_tokenizer_is_refused(content: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ConfigError, match="is no tokenizer of the library tokenizers"):
        read_tokenizer(tmp_path)


def test_no_text_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"must be a file tokenizer\.json or a folder with one"):
        read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError, match="is no tokenizer: 'utf-8'"):
        read_tokenizer(tmp_path)
    monkeypatch.setattr(tokenizer, "MOST_BYTES", 2)
    with pytest.raises(ConfigError, match="has 3 bytes; a tokenizer has at most 2"):
        read_tokenizer(tmp_path)
