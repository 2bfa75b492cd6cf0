"""Streams as iterable data sets of torch, and those of torch as streams."""

import torch

from plait.data import OneByOne
from tests.data.streams.blocks import Counting, Numbered


def test_a_stream_yields_its_examples_in_their_order() -> None:
    stream = Numbered(2, 3)
    assert [int(targets["y"]) for _, targets in stream] == [0, 1, 2, 3, 4]
    assert stream.examples == 5


def test_the_pieces_of_a_strangers_stream_have_its_examples() -> None:
    stream = OneByOne(Counting(600))
    pieces = list(stream.pieces(2, None))
    assert [piece.examples for piece in pieces] == [256, 256, 88]
    examples = [example for piece in pieces for example in piece.read()]
    assert [int(targets["y"]) for _, targets in examples] == list(range(600))
    assert all(torch.equal(inputs[1], torch.tensor(2.0)) for inputs, _ in examples)
    assert stream.examples is None
