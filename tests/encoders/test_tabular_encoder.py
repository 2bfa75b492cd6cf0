"""The network for tables that contains the linear model, and what any encoder of tables keeps."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import connections, sharing
from plait.encoders import TabularEncoder, TabularMLP
from plait.model import MultiTaskModel
from plait.networks import copy_of, encode, stages_of
from plait.tasks import Classification, Regression
from tests.encoders.tables import category, mixed, number, rows

BOTH = [TabularMLP, TabularEncoder]
KINDS = ["piecewise", "periodic"]


def tasks() -> list[Any]:
    return [Regression("price"), Classification("kind", classes=3)]


def model(encoder: nn.Module, kind: str = "Hard", **options: Any) -> MultiTaskModel:
    mixing = {"connections": connections.CrossStitch()} if kind == "CrossStitch" else {}
    shared = getattr(sharing, "Separate" if mixing else kind)(encoder, **options)
    return MultiTaskModel(shared, tasks(), example=rows(mixed(), 2), **mixing)


def linear_inputs(x: Tensor) -> Tensor:
    """Those of `mixed`, by a loop, a sixteenth of each."""
    found = []
    for size, kind, bit, _same, cost, _town in x.tolist():
        z = [size, (bit - 0.3) / 0.4, 0.0, (cost - 30) / 20]
        missing = float(z[0] != z[0])
        z = [0.0 if u != u else u for u in z]
        found.append([*z, missing, *(float(kind == code) for code in (2, 3, 4))])
    return torch.tensor(found) / 16


@pytest.mark.parametrize("numbers", KINDS)
@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_the_last_channels_of_each_level_are_the_linear_inputs(numbers: str, blocks: int) -> None:
    encoder = TabularEncoder(mixed(), numbers=numbers, width=8, blocks=blocks)  # type: ignore[arg-type]
    x = rows(mixed(), 30)
    levels = encode(encoder, x).levels
    assert len(levels) == 1 + blocks
    expected = linear_inputs(x)
    assert encoder.linear_width == expected.shape[1] == 8
    for level in levels:
        assert level.shape == (30, 8 + 8)
        torch.testing.assert_close(level[:, 8:], expected)
    torch.testing.assert_close(encoder.linear_inputs(x), expected)
    assert bool((levels[-1][:, :8] >= 0).all())


@pytest.mark.parametrize("numbers", KINDS)
def test_every_parameter_learns(numbers: str) -> None:
    torch.manual_seed(0)
    encoder = TabularEncoder(mixed(), numbers=numbers, width=16)  # type: ignore[arg-type]
    encoder(rows(mixed(), 500)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.any()), name


@pytest.mark.parametrize("numbers", KINDS)
def test_an_untrained_input_is_harmless(numbers: str) -> None:
    columns = [number("a"), number("same", (7,), center=7.0), category("k", 5)]
    encoder = TabularEncoder(columns, numbers=numbers).eval()  # type: ignore[arg-type]
    typical = encoder(torch.tensor([[0.0, 7, 0]]))
    new = torch.tensor([[torch.nan, 7, 0], [0, 9e9, 0], [0, torch.nan, 1], [0, 7, 99]])
    torch.testing.assert_close(encoder(new), typical.expand(4, -1))


def test_infinity_is_not_hidden() -> None:
    encoder = TabularEncoder([number("a"), number("b")]).eval()
    assert not bool(encoder(torch.tensor([[torch.inf, 0.0]])).isfinite().all())


@pytest.mark.parametrize("build", BOTH)
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e9])
def test_the_unit_of_a_column_changes_nothing(build: type[Any], scale: float) -> None:
    x = rows([number("a")], 20)
    found = []
    for unit in (1.0, scale):
        edges = [unit * e for e in (-2, -1, 0, 1, 2)]
        torch.manual_seed(0)
        encoder = build([number("a", edges, center=0.5 * unit, scale=unit)]).eval()
        found.append(encoder(x * unit))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", BOTH)
def test_rows_do_not_see_each_other(build: type[Any]) -> None:
    encoder, x = build(mixed()).eval(), rows(mixed(), 20)
    order = torch.randperm(20)
    torch.testing.assert_close(encoder(x[order]), encoder(x)[order])
    torch.testing.assert_close(encoder(x[:1]), encoder(x)[:1])


@pytest.mark.parametrize("build", BOTH)
def test_float64_rows_are_read_by_float32_weights(build: type[Any]) -> None:
    day = 1.7e9
    edges = [day - 2, day, day + 2]
    columns = [number("time", edges, center=day, scale=1.0), category("k", 3)]
    encoder = build(columns).eval()
    x = torch.tensor([[day - 0.5, 2], [day + 0.5, 2]], dtype=torch.float64)
    out = encoder(x)
    assert out.dtype == torch.float32
    assert not torch.allclose(out[0], out[1])  # in float32 both are the same day
    assert encoder.double()(x).dtype == torch.float64


@pytest.mark.parametrize("build", BOTH)
@pytest.mark.parametrize(
    "kind",
    [
        "Hard",
        "Separate",
        "MMoE",
        "PLE",
        "AdaTT",
        "DSelectK",
        "MTAN",
        "SharedPrivate",
        "CrossStitch",
    ],
)
def test_it_serves_any_sharing_and_comes_back_from_its_folder(
    build: type[Any], kind: str, tmp_path: Path
) -> None:
    network = model(build(mixed()), kind).eval()
    x = rows(mixed(), 9)
    expected = network(x)
    assert all(bool(each.isfinite().all()) for each in expected.values())
    network.save_pretrained(tmp_path / "model")
    again = MultiTaskModel.from_pretrained(tmp_path / "model").eval()
    for task, prediction in again(x).items():
        assert torch.equal(prediction, expected[task])


@pytest.mark.parametrize("build", BOTH)
def test_copies_can_draw_new_weights(build: type[Any]) -> None:
    encoder = build(mixed())
    fresh = copy_of(encoder, "reset", 1)
    x = rows(mixed(), 5)
    assert not torch.equal(fresh.eval()(x), encoder.eval()(x))
    for old, new in zip(encoder.buffers(), fresh.buffers(), strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize("kind", ["Hard", "Separate", "MMoE", "CGC", "PLE"])
def test_the_heads_read_the_linear_inputs(kind: str) -> None:
    network = model(TabularEncoder(mixed(), width=8), kind).eval()
    x = rows(mixed(), 9)
    for features in network.sharing(x).values():
        torch.testing.assert_close(features.levels[-1][:, 8:], linear_inputs(x))


@pytest.mark.parametrize(
    "columns",
    [
        [number(f"bit{k}", (0, 1), center=0.1, scale=0.3) for k in range(1024)],
        [number("a"), number("b")],
        [category("a", 3)],
        [number("same", (7,), center=7.0)],
    ],
    ids=["1024 bits", "two numbers", "one category", "a constant"],
)
@pytest.mark.parametrize("build", BOTH)
def test_tables_of_any_width(columns: list[Any], build: type[Any]) -> None:
    encoder = build(columns)
    assert bool(encoder(rows(columns, 4)).isfinite().all())
    assert sum(p.numel() for p in encoder.parameters()) < 300_000


@pytest.mark.parametrize("build", BOTH)
def test_a_model_of_it_can_be_exported(build: type[Any]) -> None:
    network = model(build(mixed())).eval()
    x = rows(mixed(), 4)
    batch = torch.export.Dim("batch", min=2, max=1000)
    program = torch.export.export(network, (x,), dynamic_shapes=({0: batch},))
    other = rows(mixed(), 11, seed=1)
    expected = network(other)
    for task, prediction in program.module()(other).items():
        torch.testing.assert_close(prediction, expected[task])


@pytest.mark.parametrize("build", BOTH)
def test_its_first_stage_is_one_block(build: type[Any]) -> None:
    from plait.networks import ends_of_blocks

    stages = stages_of(build(mixed()))
    assert ends_of_blocks(stages) == list(range(len(stages)))


@pytest.mark.filterwarnings("ignore")  # those of the exporter
@pytest.mark.parametrize("build", BOTH)
def test_a_model_of_it_runs_in_onnx(build: type[Any]) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    network = model(build(mixed())).eval()
    batch = torch.export.Dim("batch", min=2, max=1000)
    shapes = ({0: batch},)
    program = torch.onnx.export(network, (rows(mixed(), 4),), dynamo=True, dynamic_shapes=shapes)
    session = runtime.InferenceSession(program.model_proto.SerializeToString())
    other = rows(mixed(), 11, seed=1)
    found = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    for value, expected in zip(found, network(other).values(), strict=True):
        torch.testing.assert_close(torch.from_numpy(value), expected, rtol=1e-4, atol=1e-5)
