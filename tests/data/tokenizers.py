"""A tiny tokenizer, made on the spot."""

import pytest

WORDS = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "the": 4, "cat": 5, "sat": 6, "東": 7}


def small_tokenizer(*, marks: bool = True) -> str:
    """The text of a tokenizer of whole words, with marks before and after a text."""
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer(library.models.WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    made.normalizer = library.normalizers.Lowercase()
    if marks:
        made.post_processor = library.processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    made.add_special_tokens(["[MASK]"])
    made.enable_padding(length=9)
    return str(made.to_str())
