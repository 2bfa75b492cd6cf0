"""Text as the codes of a tokenizer that a network was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from plait.core.columns import MISSING
from plait.core.errors import ConfigError
from plait.core.extras import need

MOST_BYTES = 100_000_000  # of a file; those of a hundred languages take 20 million


def read_tokenizer(path: str | Path) -> str:
    """Reads the text of a tokenizer of the library tokenizers.

    Args:
        path: a file ``tokenizer.json``, or a folder with one, such as that of a model.

    Raises:
        ConfigError: there is none, or it is no tokenizer.
        MissingExtraError: tokenizers is not installed.
    """
    file = Path(path)
    file = file / "tokenizer.json" if file.is_dir() else file
    if not file.is_file():
        raise ConfigError(
            f"`tokenizer` must be a file tokenizer.json or a folder with one; found {str(path)!r}. "
            "`AutoTokenizer.from_pretrained(name).save_pretrained(folder)` of transformers writes "
            "it."
        )
    if file.stat().st_size > MOST_BYTES:
        raise ConfigError(
            f"{file} has {file.stat().st_size:,} bytes; a tokenizer has at most {MOST_BYTES:,}."
        )
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is no tokenizer: {error}.") from None
    _made(text, str(file))
    return text


def codes_of_texts(texts: Sequence[str], tokenizer: str, length: int = 0) -> list[list[int]]:
    """Codes texts with a tokenizer, and the marks that it sets around a text.

    Args:
        texts: whole ones, not divided into words.
        tokenizer: its text, as `read_tokenizer` gives it.
        length: the most codes of a text, marks and all; what is longer is cut off; 0 for no bound.

    Returns:
        The tokenizer's own codes of each text. One of no codes has a 0.

    Raises:
        ConfigError: it is no tokenizer.
    """
    made = _made(tokenizer, "the column's tokenizer")
    made.no_padding()
    if length:
        made.enable_truncation(length)
    else:
        made.no_truncation()
    return [found.ids or [MISSING] for found in made.encode_batch(list(texts))]


@lru_cache(maxsize=4)
def _made(text: str, source: str) -> Any:
    tokenizers = need("tokenizers", extra="hf", purpose="a `tokenizer` of a column of text")
    try:
        return tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing more precise
        raise ConfigError(f"{source} is no tokenizer of the library tokenizers: {error}.") from None
