import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from plait.encoders.text import Recurrence


def packed(layer: Recurrence, tokens: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """The states of torch's own bidirectional unit on packed sentences."""
    both = nn.GRU(tokens.shape[2], layer.forwards.hidden_size, batch_first=True, bidirectional=True)
    both = both.to(tokens.dtype)
    state = dict(layer.forwards.state_dict())
    state |= {f"{name}_reverse": each for name, each in layer.backwards.state_dict().items()}
    both.load_state_dict(state)
    sentences = pack_padded_sequence(tokens, lengths, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(
        both(sentences)[0], batch_first=True, total_length=tokens.shape[1]
    )
    return states


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(0, 3))
def test_it_is_the_bidirectional_unit_of_torch_on_packed_sentences(
    lengths: list[int], more: int
) -> None:
    torch.manual_seed(0)
    layer = Recurrence(3, 8).double()
    tokens = torch.randn(len(lengths), max(lengths) + more, 3, dtype=torch.float64)
    mask = torch.arange(tokens.shape[1]) < torch.tensor(lengths).unsqueeze(1)
    torch.testing.assert_close(layer(tokens, mask), packed(layer, tokens, lengths))


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_padding_may_be_anywhere(real: list[bool]) -> None:
    torch.manual_seed(0)
    layer = Recurrence(3, 8).double()
    tokens = torch.randn(1, len(real), 3, dtype=torch.float64)
    mask = torch.tensor([real])
    states = layer(tokens, mask)
    torch.testing.assert_close(states[mask], layer(tokens[mask].unsqueeze(0)).view(-1, 8))
    assert not states[~mask].any()


def test_gradients_are_those_without_padding() -> None:
    torch.manual_seed(0)
    layer = Recurrence(3, 8).double()
    tokens = torch.randn(1, 5, 3, dtype=torch.float64)
    mask = torch.tensor([[True, True, True, False, False]])
    padded = torch.autograd.grad(layer(tokens, mask).square().sum(), list(layer.parameters()))
    alone = torch.autograd.grad(layer(tokens[:, :3]).square().sum(), list(layer.parameters()))
    torch.testing.assert_close(padded, alone)


def test_sentences_without_a_word_have_no_states() -> None:
    assert Recurrence(3, 8)(torch.zeros(2, 0, 3), torch.zeros(2, 0).bool()).shape == (2, 0, 8)


def test_its_units_give_gradients_in_evaluation_too() -> None:
    """On CUDA they do so in training mode alone, in which they compute the same."""
    layer = Recurrence(3, 8)
    assert not layer.eval().training
    assert layer.forwards.training and layer.backwards.training
    tokens = torch.randn(2, 5, 3)
    assert torch.equal(layer.eval()(tokens), layer.train()(tokens))
