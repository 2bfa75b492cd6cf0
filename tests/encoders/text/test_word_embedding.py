import pytest
import torch

from plait.core.errors import ShapeError
from plait.encoders.text import WordEmbedding


@pytest.mark.parametrize(("pieces", "parts"), [(0, 0), (30, 8), (5, 2), (5, 0)])
def test_a_word_is_its_vector_and_those_of_its_parts(pieces: int, parts: int) -> None:
    embed = WordEmbedding(10, pieces, 4)
    words = torch.randint(10, (3, 5, 1))
    codes = torch.cat([words, torch.randint(pieces + 1, (3, 5, parts))], dim=-1)
    codes = codes.to(torch.int32)  # as the data have them
    found = embed(codes)
    table = embed.table.detach()
    for b in range(3):
        for t in range(5):
            word, *others = codes[b, t].tolist()
            rows = [word] * (word > 0) + [10 + part - 1 for part in others if part > 0]
            expected = sum((table[row] for row in rows), torch.zeros(4))
            torch.testing.assert_close(found[b, t].detach(), expected)


def test_padding_has_no_vector_and_gets_no_gradient() -> None:
    for pieces in (0, 3):
        embed = WordEmbedding(5, pieces, 4)
        vectors = embed(torch.zeros(2, 3, 1 + (pieces > 0), dtype=torch.long))
        assert not vectors.any()
        (gradient,) = torch.autograd.grad(vectors.sum(), embed.table)
        assert not gradient.any()


def test_vectors_begin_with_a_variance_of_one() -> None:
    torch.manual_seed(0)
    for pieces, parts in ((0, 0), (4000, 8)):
        embed = WordEmbedding(4000, pieces, 16)
        codes = torch.randint(1, 4000, (1, 2000, 1 + parts))
        assert embed(codes).var().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (torch.zeros(2, 3, dtype=torch.long), "column of texts"),
        (torch.zeros(2, 3, 1), "float32. Is this a column"),
        (torch.zeros(2, 3, 9, dtype=torch.long), "`pieces`"),
    ],
)
def test_other_inputs_are_refused(codes: torch.Tensor, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        WordEmbedding(5, 0, 4)(codes)
