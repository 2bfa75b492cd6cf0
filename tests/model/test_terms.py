"""The objective beside the losses, by name."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from plait.connections import (
    Hint,
    Lateral,
    OrderCalibration,
    ParameterTransfer,
    PenaltyConnection,
    StageConnection,
)
from plait.connections.edges.graph import Edge
from plait.core.features import Features
from plait.core.outputs import Outputs, Term
from plait.model.terms import output_terms, parameter_terms
from plait.regularization import PairwiseL2, Regularizer
from tests.connections.flows import labels, new, rows

HINT = "Hint[a -> b]"


class Size(Regularizer):
    """The mean of the features of a batch."""

    ties = False
    reads_features = True

    def setup(self, networks: Mapping[str, nn.Module], heads: object = None) -> None:
        pass

    def term(self, features: Mapping[str, Features]) -> Term | None:
        cost = torch.stack([each.levels[-1].mean() for each in features.values()]).sum()
        return Term(cost, cost * self.strength) if self.strength else None


class Weight(StageConnection):
    """A term of its own parameters."""

    def term(self) -> Term | None:
        return Term(torch.ones(()), torch.full((), 0.5))


def test_terms_of_the_parameters_do_not_read_a_batch() -> None:
    model = new(labels("a", "b"), Lateral(), ParameterTransfer(alpha=0.5), Weight(), Hint())
    regularizer = PairwiseL2(strength=0.1)
    regularizer.setup(model.sharing.networks())
    prox = PairwiseL2(strength=0.1, mode="prox")
    prox.setup(model.sharing.networks())
    terms = parameter_terms(model.flow.connections, [regularizer, prox, Size(strength=1.0)])
    assert list(terms) == ["PairwiseL2[0]", "ParameterTransfer[a -> b]", "Weight[2]"]
    assert terms["ParameterTransfer[a -> b]"].raw == 2 * terms["ParameterTransfer[a -> b]"].scaled
    assert terms["PairwiseL2[0]"].scaled == 0.1 * terms["PairwiseL2[0]"].raw
    # the same for two tasks
    torch.testing.assert_close(terms["PairwiseL2[0]"].raw, terms["ParameterTransfer[a -> b]"].raw)


def test_terms_of_several_parts_are_the_mean_over_their_examples() -> None:
    model = new(labels("a", "b"), Hint(alpha=2.0))
    one, two = rows(1), rows(5)
    each = [model(one), model(two)]
    each[0].terms = {"Gate: entropy": Term(torch.tensor(6.0), torch.tensor(12.0))}
    found = output_terms(each, model.flow.connections, [Size(strength=3.0), Size(strength=0.0)])
    assert list(found) == ["Gate: entropy", "Size[0]", HINT]
    whole = output_terms(
        [model(torch.cat([one, two]))], model.flow.connections, [Size(strength=3.0)]
    )
    for name in ("Size[0]", HINT):
        for part in ("raw", "scaled"):
            torch.testing.assert_close(getattr(found[name], part), getattr(whole[name], part))
    torch.testing.assert_close(found["Gate: entropy"], Term(torch.tensor(1.0), torch.tensor(2.0)))


def test_micro_batches_add_up_to_the_step() -> None:
    model = new(labels("a", "b"), Hint(alpha="learned"))
    x = rows(6)
    whole = model.penalty([model(x)])
    parts = [
        model.penalty([model(x[s])], share=n / 6) for s, n in ((slice(2), 2), (slice(2, 6), 4))
    ]
    torch.testing.assert_close(whole[HINT], parts[0][HINT] + parts[1][HINT])
    torch.testing.assert_close(whole.raw[HINT], parts[0].raw[HINT] + parts[1].raw[HINT])


def test_parts_without_examples_do_not_count() -> None:
    model = new(labels("a", "b"), Hint())
    x = rows()
    empty = Outputs({task: y[:0] for task, y in model(x).items()})
    found, alone = model.penalty([empty, model(x)]), model.penalty([model(x)])
    torch.testing.assert_close(found[HINT], alone[HINT])
    assert model.penalty([]) == model.penalty([Outputs({})]) == model.penalty([empty]) == {}


def test_two_connections_of_one_class_have_terms_of_their_own() -> None:
    model = new(
        labels("a", "b"),
        Hint(at=0),
        OrderCalibration(),
        Hint(at=1, alpha=0.5),
        ParameterTransfer(scope="0.weight"),
        ParameterTransfer(scope="0.bias"),
    )
    penalty = model.penalty([model(rows())])
    assert sorted(penalty) == [
        "Hint[0][a -> b]",
        "Hint[2][a -> b]",
        "OrderCalibration[a -> b]",
        "ParameterTransfer[3][a -> b]",
        "ParameterTransfer[4][a -> b]",
    ]
    assert penalty["Hint[2][a -> b]"] == 0.5 * penalty.raw["Hint[2][a -> b]"]


class Rows(PenaltyConnection):
    """The mean of the first task's first input, as its features have it."""

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        return outputs.features[edge[0]].levels[-1].mean()


@pytest.mark.parametrize("sizes", [(1, 3), (0, 2), (4, 4)])
def test_views_are_joined_by_their_examples(sizes: tuple[int, int]) -> None:
    connection = Rows(edges=[["a", "b"]])
    model = new(labels("a", "b"), connection)
    values = [torch.randn(size, 1) for size in sizes]
    views = [
        Outputs({"a": v, "b": v}, features=dict.fromkeys("ab", Features((v,)))) for v in values
    ]
    only = Outputs({"a": values[0]}, features={"a": Features((values[0],))})  # without the edge
    outputs = Outputs({"a": values[0], "b": values[1]}, views=[*views, only], common=False)
    found = output_terms([outputs], model.flow.connections, [])
    torch.testing.assert_close(found["Rows[a -> b]"].raw, torch.cat(values).mean())
