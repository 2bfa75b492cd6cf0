"""Nested inputs on their way to a device."""

from collections import UserDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from plait.core import Masked, PerTask
from plait.core.devices import is_on, move

META, CPU = torch.device("meta"), torch.device("cpu")


@dataclass
class Graphs:
    atoms: Tensor
    count: int

    def to(self, device: torch.device) -> "Graphs":
        return Graphs(self.atoms.to(device), self.count)


class Tokens(UserDict[str, Tensor]):
    def to(self, device: torch.device) -> "Tokens":
        return Tokens({key: value.to(device) for key, value in self.items()})


def test_what_knows_how_to_move_is_asked_to() -> None:
    nested: dict[str, Any] = {
        "graphs": Graphs(torch.zeros(3), 2),
        "tokens": Tokens(ids=torch.zeros(2)),
        "words": pack_sequence([torch.zeros(3, 1), torch.zeros(2, 1)]),
        "masked": Masked(torch.zeros(2, 3), torch.ones(2, 3).bool()),
        "own": PerTask(a=[Graphs(torch.zeros(1), 1)]),
        "text": ["a b", "c"],
        "number": 3,
    }
    found = move(META, nested)
    assert (type(found["graphs"]), found["graphs"].atoms.device) == (Graphs, META)
    assert (type(found["tokens"]), found["tokens"]["ids"].device) == (Tokens, META)
    assert type(found["words"]) is PackedSequence
    assert found["words"].data.device == META
    assert found["words"].batch_sizes.device == CPU, "as torch wants it"
    assert {each.device for each in found["masked"]} == {META}
    assert type(found["own"]) is PerTask
    assert found["own"]["a"][0].atoms.device == META
    assert (found["text"], found["number"]) == (["a b", "c"], 3)
    assert nested["graphs"].atoms.device == CPU


def test_an_object_might_be_anywhere() -> None:
    assert is_on(CPU, {"x": [torch.zeros(2)], "text": "a", "n": None})
    assert not is_on(META, (torch.zeros(2),))
    assert not is_on(CPU, [Graphs(torch.zeros(1), 1)])
