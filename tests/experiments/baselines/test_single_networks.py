"""Single-task networks of one seed have one start, and become one network with all heads."""

from pathlib import Path

import pytest
import torch
from torch import nn

from plait.core.errors import CheckpointError, UnsupportedError
from plait.encoders import Stems
from plait.experiments import RunConfig, build_job, open_problem, validate
from plait.experiments.baselines import single_networks
from plait.experiments.baselines.single_networks import SingleNetworks
from plait.experiments.comparison.single import alone
from plait.experiments.overrides import merge
from plait.merging import average, task_arithmetic
from plait.model.folder import read_model
from tests.experiments.baselines.networks import TASKS, same, settings, train_alone


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return settings(seed=3)


@pytest.fixture(scope="module")
def folders(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return train_alone(config, tmp_path_factory.mktemp("single"))


@pytest.fixture
def networks(config: RunConfig, folders: dict[str, Path]) -> SingleNetworks:
    return SingleNetworks(config, folders, open_problem(config))


def test_all_single_networks_start_from_the_same_trunk(
    config: RunConfig, networks: SingleNetworks, tmp_path: Path
) -> None:
    problem = open_problem(config)
    for task in TASKS:
        job = build_job(alone(config, task, TASKS), tmp_path / task, problem=problem)
        state = job.trainer.model.state_dict()
        assert same({n: v for n, v in state.items() if n.startswith("sharing.")}, networks.start)


def test_weights_are_merged_and_heads_are_each_tasks_own(
    networks: SingleNetworks, folders: dict[str, Path]
) -> None:
    networks.merge(average, 1.0)
    found = networks.model.state_dict()
    states = [read_model(folders[task] / "model")[1] for task in TASKS]
    weights = {name for name, _ in networks.model.named_parameters()}
    for name, value in found.items():
        own = [state[name].double() for state in states if name in state]
        if not name.startswith("sharing."):
            (only,) = own
            assert torch.equal(value.double(), only), name
        elif name in weights:
            torch.testing.assert_close(value.double(), torch.stack(own).mean(dim=0))
    assert not same(networks.trunks["mask"], networks.start), "they have learned nothing"


def test_batch_norm_is_that_of_the_training_inputs(networks: SingleNetworks) -> None:
    """Merging twice with other strengths in between leaves nothing of the first."""
    networks.merge(average, 1.0)
    first = {name: value.clone() for name, value in networks.model.state_dict().items()}
    networks.merge(task_arithmetic, 1.0)
    other = {name: value.clone() for name, value in networks.model.state_dict().items()}
    networks.merge(average, 1.0)
    assert same(networks.model.state_dict(), first)
    means = [name for name in first if name.startswith("sharing") and "running_mean" in name]
    assert means and not any(torch.equal(first[name], other[name]) for name in means)
    assert {int(v) for n, v in first.items() if "num_batches_tracked" in n} == {3}  # 24 in 8s


def test_the_network_of_one_task_alone_is_itself(
    folders: dict[str, Path], config: RunConfig
) -> None:
    own = alone(config, "spot", TASKS)
    networks = SingleNetworks(own, {"spot": folders["spot"]}, open_problem(own))
    networks.merge(task_arithmetic, 1.0)
    found, expected = networks.model.state_dict(), read_model(folders["spot"] / "model")[1]
    assert found.keys() == expected.keys()
    for name in (name for name, _ in networks.model.named_parameters()):
        torch.testing.assert_close(found[name], expected[name])


@pytest.mark.parametrize(
    ("changed", "named"), [({"seed": 4}, "seed"), ({"encoder": "ConvEncoder"}, "encoder")]
)
def test_networks_of_another_start_are_refused(
    config: RunConfig, folders: dict[str, Path], changed: dict[str, object], named: str
) -> None:
    other = validate(merge(config.described(), changed))
    with pytest.raises(UnsupportedError, match=f"not mergeable: the network of .* `{named}`"):
        SingleNetworks(other, folders, open_problem(other))


def test_a_run_without_a_model_is_an_error(config: RunConfig, folders: dict[str, Path]) -> None:
    own = folders["mask"].parent / "empty"
    own.mkdir(exist_ok=True)
    (own / "config.yaml").write_text((folders["mask"] / "config.yaml").read_text())
    with pytest.raises(CheckpointError, match="there is no folder"):
        SingleNetworks(config, {**folders, "mask": own}, open_problem(config))


def test_stems_of_several_data_sets_are_refused(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems = Stems({"a": nn.Linear(2, 2), "b": nn.Linear(3, 2)})
    monkeypatch.setattr(single_networks, "build_encoder", lambda *given: stems)
    with pytest.raises(UnsupportedError, match="not mergeable: each data set has a stem"):
        SingleNetworks(config, {}, open_problem(config))


def test_an_encoder_without_weights_is_refused() -> None:
    own = settings(encoder={"class": "MLPEncoder", "in_features": 8}, tasks=["quarter", "spot"])
    with pytest.raises(UnsupportedError, match="the encoder has no weights to share"):
        SingleNetworks(own, {}, open_problem(own))
