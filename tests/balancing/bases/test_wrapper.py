"""What goes through a balancer around another one."""

import copy
import pickle

import pytest
import torch

from plait.balancing import (
    CRMOGM,
    IMTLG,
    Balancer,
    GradNorm,
    GradVac,
    GramianBalancer,
    Info,
    MoDo,
    PCGrad,
    SDMGrad,
    TransformedLosses,
    UPGrad,
)
from plait.balancing.contract.info import Reread
from plait.core.errors import ConfigError, ShapeError

# What an object may declare otherwise than its class does; a wrapper must forget none of it.
DECLARED = {
    name
    for base in (Balancer, GramianBalancer)
    for name, annotation in base.__annotations__.items()
    if "ClassVar" not in annotation and name != "flag"
}
INNER = [
    IMTLG,
    GradNorm,
    lambda: GradVac(groups="layer"),
    lambda: MoDo(batches=3),
    lambda: PCGrad(reduction="mean"),
    lambda: SDMGrad(solver="sgd"),
    lambda: CRMOGM(GradNorm()),
]
ROWS = torch.tensor([[1.0, 2.0, 0.0], [-1.0, 1.0, 3.0], [0.5, 0.5, -1.0]]).double()
INFO = Info(("a", "b", "c"), torch.tensor([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("inner", INNER)
def test_declares_what_the_inner_method_does(inner: type[GramianBalancer]) -> None:
    method = inner()
    outer = CRMOGM(method)
    for name in DECLARED:
        assert getattr(outer, name) == getattr(method, name)
    transformed = TransformedLosses(method, transform="initial")
    for name in DECLARED - {"positive_losses", "scale_free"}:
        assert getattr(transformed, name) == getattr(method, name)
    assert transformed.positive_losses
    assert transformed.scale_free


def test_no_declaration_is_forgotten() -> None:
    class Unusual(UPGrad):
        equal_weight, at, groups, batches, applied = "mean", "last layer", "layer", 3, (0.5, 0.5, 0)
        learns = positive_losses = reads_epochs = rereads = scale_free = exact = True
        row_buffers = 2

    unusual = Unusual()
    assert all(getattr(unusual, name) != getattr(GramianBalancer, name) for name in DECLARED)
    outer = CRMOGM(unusual)
    assert {name: getattr(outer, name) for name in DECLARED} == {
        name: getattr(unusual, name) for name in DECLARED
    }


def test_sets_up_the_inner_method() -> None:
    outer = CRMOGM(TransformedLosses(UPGrad(preference=[1.0, 2.0])))
    with pytest.raises(ShapeError, match="for each of the 3 tasks; found 2"):
        outer.setup(["a", "b", "c"])
    assert outer.tasks == ()
    outer.setup(["a", "b"])
    assert outer.get_submodule("method.method").tasks == ("a", "b")
    with pytest.raises(ConfigError, match="was set up for tasks"):
        outer.setup(["a", "c"])


@pytest.mark.parametrize("copied", ["state_dict", "deepcopy", "pickle"])
def test_the_state_of_the_inner_method_goes_along(copied: str) -> None:
    def make(seed: int) -> CRMOGM:
        return CRMOGM(TransformedLosses(GradVac(beta=0.5, seed=seed), transform="running mean"))

    outer = make(1)
    for _ in range(3):
        outer.weights(ROWS @ ROWS.T, INFO)
    if copied == "state_dict":
        twin = make(2)
        twin.load_state_dict(outer.state_dict())
    else:
        twin = copy.deepcopy(outer) if copied == "deepcopy" else pickle.loads(pickle.dumps(outer))
    for _ in range(3):
        assert torch.equal(outer.weights(ROWS @ ROWS.T, INFO), twin.weights(ROWS @ ROWS.T, INFO))


def test_the_flag_is_that_of_the_inner_method() -> None:
    opposite = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    info = Info(("a", "b"), torch.ones(2))
    for outer in (CRMOGM(IMTLG()), TransformedLosses(IMTLG())):
        outer.weights(opposite, info)
        assert outer.flag == "no direction with equal projections"
        outer.weights(torch.eye(2), info)
        assert outer.flag is None


def test_the_inner_method_hears_of_the_step() -> None:
    class Counts(UPGrad):
        steps = 0

        def after_step(self, reread: Reread | None = None) -> None:
            self.steps += 1
            assert reread is not None and reread() == {}

    inner = Counts()
    CRMOGM(TransformedLosses(inner)).after_step(dict)
    assert inner.steps == 1


def test_two_wrappers_without_a_method_share_nothing() -> None:
    assert CRMOGM().method is not CRMOGM().method


def test_solving_for_one_group_is_left_to_the_inner_method() -> None:
    gramian = (ROWS @ ROWS.T).numpy()
    found = CRMOGM(UPGrad()).solve(gramian, torch.arange(3).numpy(), INFO)
    assert found.tolist() == UPGrad().weights(ROWS @ ROWS.T).tolist()
