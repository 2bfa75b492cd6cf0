"""What gates read, and what is logged of them."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, ShapeError
from plait.core.structure import Masked
from plait.sharing.experts.blend import Blend, Made
from plait.sharing.experts.gates import (
    Gate,
    GateReads,
    Logits,
    checked_gate,
    common_reads,
    reads_of,
)

ROWS, MAPS = torch.randn(2, 5), torch.randn(2, 3, 4, 4)
WORDS = torch.randint(0, 9, (2, 7))


@pytest.mark.parametrize(
    ("gate_input", "entering", "channels", "expected"),
    [
        ("auto", ROWS, None, GateReads("flat", 5)),
        ("auto", MAPS, None, GateReads("experts", 8)),
        ("auto", WORDS, None, GateReads("experts", 8)),
        ("auto", {"x": ROWS}, None, GateReads("experts", 8)),
        ("auto", Masked(MAPS, torch.ones(2, 3)), None, GateReads("experts", 8)),
        ("auto", ROWS, 5, GateReads("flat", 5)),  # behind a level
        ("auto", MAPS, 3, GateReads("pooled", 3)),
        ("input", ROWS, None, GateReads("flat", 5)),
        ("input", MAPS, None, GateReads("flat", 48)),
        ("input", MAPS, 3, GateReads("flat", 48)),
        ("features", ROWS, None, GateReads("experts", 8)),
        ("features", MAPS, 3, GateReads("experts", 8)),
        ("task", MAPS, None, GateReads("nothing")),
    ],
)
def test_the_rule(gate_input, entering, channels, expected) -> None:  # type: ignore[no-untyped-def]
    assert reads_of(gate_input, entering, 8, channels) == expected


def test_what_is_read() -> None:
    blend = Blend([Made(MAPS), Made(2 * MAPS)])
    assert GateReads("nothing").of(MAPS, blend) is None
    for source, expected in (
        ("flat", MAPS.flatten(1)),
        ("pooled", MAPS.mean(dim=(2, 3)) / 2),  # the root of the width, 4
        ("experts", 1.5 * MAPS.mean(dim=(2, 3)) / 2),
    ):
        found = GateReads(source, 4).of(MAPS, blend)  # type: ignore[arg-type]
        assert found is not None
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("entering", "found"), [(WORDS, "torch.int64"), ([ROWS], "list"), (torch.zeros(3), "float32")]
)
def test_the_input_must_be_one_tensor_of_floats(entering: object, found: str) -> None:
    with pytest.raises(ConfigError, match=rf"one tensor of floats; the input is .*{found}.*Use"):
        reads_of("input", entering, 8)


def test_a_gate_of_all_tasks_reads_inputs_of_one_width() -> None:
    alike = {"a": GateReads("flat", 4), "b": GateReads("flat", 4)}
    assert common_reads(alike, "OMoE") == GateReads("flat", 4)
    with pytest.raises(ShapeError, match=r"a gate of OMoE .* 4 numbers of task 'a', but 6 of 'b'"):
        common_reads({**alike, "b": GateReads("flat", 6)}, "OMoE")


def test_logits_are_linear_and_have_a_bias() -> None:
    logits = Logits(3, GateReads("flat", 5))
    assert logits.layers is not None
    (last,) = logits.layers
    assert isinstance(last, nn.Linear)
    torch.testing.assert_close(logits(ROWS), ROWS @ last.weight.T + last.bias)


def test_behind_hidden_layers_the_last_has_no_bias() -> None:
    logits = Logits(3, GateReads("flat", 5), hidden=(6, 4))
    shapes = [tuple(parameter.shape) for parameter in logits.parameters()]
    assert shapes == [(6, 5), (6,), (4, 6), (4,), (3, 4)]
    first, second, last = (p for p in logits.parameters() if p.dim() == 2)
    one, two = (p for p in logits.parameters() if p.dim() == 1)
    expected = ((ROWS @ first.T + one).relu() @ second.T + two).relu() @ last.T
    torch.testing.assert_close(logits(ROWS), expected)


def test_a_gate_without_input_has_weights_of_its_own() -> None:
    gate = Gate(4, GateReads("nothing"))
    assert gate.free is not None
    assert gate.free.abs().max() <= 0.05
    weights = gate.weights(MAPS, Blend([Made(MAPS)]))
    torch.testing.assert_close(weights, gate.free.softmax(dim=0))


def test_the_weights_of_a_gate_are_shares() -> None:
    weights = Gate(4, GateReads("flat", 5)).weights(100 * ROWS, Blend([Made(ROWS)]))
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))


def test_a_gate_on_activations_takes_its_time() -> None:
    """They are all positive: unscaled, ten steps would take a share from a half to a thousandth."""
    blend = Blend([Made(torch.rand(64, 256)) for _ in range(2)])
    gate = Gate(2, GateReads("experts", 256))
    optimizer = torch.optim.Adam(gate.parameters(), lr=3e-3)
    for _ in range(10):
        optimizer.zero_grad()
        gate.weights(None, blend)[:, 0].mean().backward()
        optimizer.step()
    assert 0.25 < gate.weights(None, blend)[:, 0].mean().item() < 0.45


@pytest.mark.parametrize(
    ("gate_input", "hidden", "message"),
    [
        ("feature", (), r"unknown gate_input 'feature'; .*Did you mean 'features'\?"),
        (
            "auto",
            (4, 0),
            r"`gate_hidden` must be widths of layers, each at least 1; found \[4, 0\]",
        ),
        ("auto", (2.5,), r"found \[2\.5\]"),
        ("task", (4,), r"hidden layers would have no input\. Leave `gate_hidden` empty"),
    ],
)
def test_options_that_cannot_be(gate_input: str, hidden: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked_gate(gate_input, hidden)


def test_rows_of_a_table_are_no_vectors_for_a_gate() -> None:
    assert reads_of("auto", ROWS, 8, coded=True) == GateReads("experts", 8)
    assert reads_of("auto", ROWS, 8, 5, coded=True) == GateReads("flat", 5)  # behind a level
    with pytest.raises(ConfigError, match="rows of the table"):
        reads_of("input", ROWS, 8, coded=True)
