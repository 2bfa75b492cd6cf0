"""The model: losses over parts, roles of the parameters, seeds, and the model folder."""

import copy
import importlib
import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core import Batch, PerTask
from plait.core.errors import CheckpointError, ConfigError, DataError, ShapeError
from plait.core.families import FAMILIES
from plait.encoders import ConvEncoder, as_staged
from plait.model import MultiTaskModel
from plait.regularization import PairwiseL2
from plait.sharing import Hard, Separate
from plait.tasks import BaseTask, Classification, Regression, Segmentation

IMAGES = torch.zeros(2, 3, 8, 8)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh())


def dense(*tasks: BaseTask, **options: Any) -> MultiTaskModel:
    """A small model of vectors of length 3."""
    torch.manual_seed(0)
    kinds = tasks or (Regression("a"), Classification("b.c", classes=4))
    return MultiTaskModel(Hard(mlp()), kinds, example=torch.zeros(2, 3), **options)


def image_model(seed: int = 0) -> MultiTaskModel:
    tasks = [
        Classification("kind", classes=3, hidden=[6], class_weights=[1.0, 2.0, 0.5]),
        Segmentation("mask.v2", classes=2, weight=0.5),
        Regression("box", outputs=2, vector=True, mean=[1.0, 2.0], scale=4.0, cells=2),
    ]
    torch.manual_seed(seed)
    sharing = Separate(ConvEncoder(widths=(4, 6), norm=True), copies="clone")
    penalty = PairwiseL2(strength=0.3, mode="prox", scope="stages.0.*")
    return MultiTaskModel(sharing, tasks, example=IMAGES, regularization=[penalty], seed=seed)


# --- losses -----------------------------------------------------------------------------------


def test_losses_of_several_parts_are_those_of_their_union() -> None:
    model = dense()
    x, y, c = torch.randn(7, 3), torch.randn(7), torch.randint(0, 4, (7,))
    y[[0, 4]] = torch.nan
    c[5:] = -100
    whole = model.batch(x, {"a": y, "b.c": c})
    expected = model.losses([model(x)], whole)
    cuts = [
        slice(0, 1),
        slice(1, 5),
        slice(5, 7),
    ]  # the first has no label of a, the last none of b
    parts = tuple(model.batch(x[s], {"a": y[s], "b.c": c[s]}).parts[0] for s in cuts)
    batch = Batch(parts)
    found = model.losses([model(part.inputs, tasks=part.targets) for part in parts], batch)
    assert found.keys() == expected.keys() == {"a", "b.c"}
    for task in expected:
        torch.testing.assert_close(found[task], expected[task])
        torch.testing.assert_close(found.raw[task], expected.raw[task])
    assert found.counts == expected.counts == {"a": 5.0, "b.c": 5.0}


def test_a_task_without_labels_is_absent() -> None:
    model = dense()
    x = torch.randn(4, 3)
    batch = model.batch(x, {"a": torch.full((4,), torch.nan), "b.c": torch.zeros(4).long()})
    assert list(model.losses([model(x)], batch)) == ["b.c"]
    batch = model.batch(x, {"a": torch.full((4,), torch.nan)})
    assert model.losses([model(x)], batch) == {}


def test_static_weights_multiply_the_losses_and_not_the_raw_ones() -> None:
    model = dense(Regression("a", weight=0.25), Regression("b"))
    x, y = torch.randn(4, 3), torch.randn(4)
    losses = model.losses([model(x)], model.batch(x, {"a": y, "b": y}))
    expected = (model(x)["a"][:, 0] - y).square().mean()
    torch.testing.assert_close(losses.raw["a"], expected)
    torch.testing.assert_close(losses["a"], 0.25 * expected)
    assert losses["b"] is losses.raw["b"]


def test_example_weights_reach_the_loss() -> None:
    model = dense(Regression("a"))
    x, y = torch.randn(4, 3), torch.randn(4)
    batch = model.batch(x, {"a": y}, weights={"a": torch.tensor([1.0, 0.0, 0.0, 3.0])})
    errors = (model(x)["a"][:, 0] - y).square()
    losses = model.losses([model(x)], batch)
    torch.testing.assert_close(losses["a"], (errors[0] + 3 * errors[3]) / 4)
    assert losses.counts == {"a": 4.0}


def test_labels_of_no_task_are_refused_and_others_left_out() -> None:
    model = dense(Regression("depth"))
    x, y = torch.randn(2, 3), torch.randn(2)
    assert list(model.batch(x, {"depth": y, "colour": y}).parts[0].targets) == ["depth"]
    with pytest.raises(DataError, match=r"found detph; tasks: depth\. Did you mean 'depth'"):
        model.batch(x, {"detph": y})


def test_gives_the_wanted_tasks_from_common_or_own_inputs() -> None:
    model = dense()
    x, z = torch.randn(4, 3), torch.randn(2, 3)
    assert list(model(x)) == ["a", "b.c"]
    assert list(model(x, tasks=["b.c"])) == ["b.c"]
    own = model(PerTask({"a": x, "b.c": z}))
    assert torch.equal(own["a"], model(x)["a"])
    assert torch.equal(own["b.c"], model(z)["b.c"])
    assert own.features["b.c"].levels[-1].shape == (2, 5)


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_tasks_need_different_names(names: list[str]) -> None:
    with pytest.raises(ConfigError, match="needs tasks of different names"):
        MultiTaskModel(Hard(mlp()), [Regression(name) for name in names], example=torch.zeros(2, 3))


def test_a_head_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="a dense task needs features with a grid"):
        dense(Segmentation("mask", classes=2))


# --- roles ------------------------------------------------------------------------------------


class Partly(nn.Module):
    """One layer is frozen and one is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen, self.used, self.idle = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
        self.frozen.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(self.frozen(x))


def test_roles_say_which_tasks_reach_a_parameter() -> None:
    tasks = [Regression("a"), Regression("b.c")]
    model = MultiTaskModel(Hard(Partly()), tasks, example=torch.zeros(2, 3))
    both, none = frozenset({"a", "b.c"}), frozenset[str]()
    assert model.roles() == {
        "sharing.encoder.used.weight": both,
        "sharing.encoder.used.bias": both,
        "sharing.encoder.idle.weight": none,
        "sharing.encoder.idle.bias": none,
        "heads.task:a.head.layers.0.weight": frozenset({"a"}),
        "heads.task:a.head.layers.0.bias": frozenset({"a"}),
        "heads.task:b%2Ec.head.layers.0.weight": frozenset({"b.c"}),
        "heads.task:b%2Ec.head.layers.0.bias": frozenset({"b.c"}),
    }


def test_no_parameter_of_separate_networks_is_shared() -> None:
    roles = image_model().roles()
    assert set(roles.values()) == {frozenset({task}) for task in ("kind", "mask.v2", "box")}


def test_roles_change_nothing() -> None:
    model = image_model()
    frozen = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    frozen.eval()
    modes = [module.training for module in model.modules()]
    before, state = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    with torch.no_grad():
        model.roles()
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_roles_of_models_that_are_frozen_or_of_another_dtype() -> None:
    assert len(dense().double().roles()) == 6
    model = dense()
    model.heads["task:a"].requires_grad_(False)
    model.sharing.requires_grad_(False)
    assert set(model.roles().values()) == {frozenset({"b.c"})}
    assert dense().requires_grad_(False).roles() == {}


# --- seeds ------------------------------------------------------------------------------------


def test_a_head_depends_on_the_seed_and_the_name_of_its_task_alone() -> None:
    def heads(*names: str, seed: int = 0) -> dict[str, Tensor]:
        model = dense(*(Regression(name, hidden=[4]) for name in names), seed=seed)
        return {n: model.heads[f"task:{n}"].state_dict()["head.layers.0.weight"] for n in names}

    joint, alone = heads("a", "b", "c"), heads("b")
    assert torch.equal(joint["b"], alone["b"])
    assert torch.equal(heads("c", "b")["b"], alone["b"])
    assert not torch.equal(joint["a"], joint["b"])
    assert not torch.equal(heads("b", seed=1)["b"], alone["b"])


@pytest.mark.parametrize("copies", ["clone", "reset"])
def test_building_draws_nothing_from_the_global_generator(copies: Any) -> None:
    encoder = ConvEncoder(widths=(4,), norm=True)
    state = torch.random.get_rng_state()
    tasks = [Classification("a", classes=2), Segmentation("b", classes=2)]
    MultiTaskModel(Separate(encoder, copies=copies), tasks, example=IMAGES)
    MultiTaskModel(Hard(encoder), tasks, example=IMAGES)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("pickled", [True, False])
def test_a_copy_is_the_same_and_its_own(pickled: bool) -> None:
    model = image_model().eval()
    twin = pickle.loads(pickle.dumps(model)) if pickled else copy.deepcopy(model)
    x = torch.randn(2, 3, 8, 8)
    before = model(x)
    assert all(torch.equal(value, before[task]) for task, value in twin(x).items())
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(value, before[task]) for task, value in model(x).items())


# --- the model folder -------------------------------------------------------------------------


def train_a_little(model: MultiTaskModel) -> MultiTaskModel:
    """So that parameters and batch statistics are no first values."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(2):
        x = torch.randn(4, 3, 8, 8)
        labels = {
            "kind": torch.randint(0, 3, (4,)),
            "mask.v2": torch.randint(0, 2, (4, 8, 8)),
            "box": torch.rand(4, 2),
        }
        optimizer.zero_grad()
        losses = model.losses([model(x)], model.batch(x, labels))
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_model_comes_back_exactly(tmp_path: Path, dtype: torch.dtype) -> None:
    model = train_a_little(image_model()).to(dtype).eval()
    model.save_pretrained(tmp_path / "model", metrics={"kind": {"accuracy": 0.875}})
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    state = torch.random.get_rng_state()
    twin = MultiTaskModel.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(torch.random.get_rng_state(), state)
    x = torch.randn(3, 3, 8, 8).to(dtype)
    expected = model(x)
    assert all(torch.equal(value, expected[task]) for task, value in twin(x).items())
    before = model.state_dict()
    for key, value in twin.state_dict().items():
        assert value.dtype == before[key].dtype
        assert torch.equal(value, before[key])
    assert twin.seed == model.seed
    assert [type(task) for task in twin.tasks.values()] == [
        type(task) for task in model.tasks.values()
    ]
    assert [task.weight for task in twin.tasks.values()] == [1.0, 0.5, 1.0]
    assert [r.strength for r in twin.regularization] == [0.3]
    assert twin.roles() == model.roles()

    twin.save_pretrained(tmp_path / "again", metrics={"kind": {"accuracy": 0.875}})
    for name in ("README.md", "config.json", "model.safetensors"):
        one, two = tmp_path / "model" / name, tmp_path / "again" / name
        assert one.read_bytes() == two.read_bytes()


def test_a_model_that_came_back_trains_on(tmp_path: Path) -> None:
    model = train_a_little(image_model())
    model.save_pretrained(tmp_path)
    twin = MultiTaskModel.from_pretrained(tmp_path)
    for each in (model, twin):
        torch.manual_seed(3)
        train_a_little(each)
        each.after_step(torch.optim.SGD(each.parameters(), lr=0.1))
    expected = model.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in twin.state_dict().items())


def test_the_card_has_the_tasks_and_the_metrics(tmp_path: Path) -> None:
    image_model().save_pretrained(tmp_path, metrics={"kind": {"accuracy": 0.875}})
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "One model for 3 tasks: kind, mask.v2, box." in card
    assert "| kind | accuracy | 0.875 |" in card
    assert "- encoder: `ConvEncoder(in_channels=3, widths=[4, 6], norm=True)`" in card


class Own(nn.Module):
    """An encoder of the user's."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).tanh()


class OwnTask(Regression):
    """A task of the user's."""


@pytest.mark.parametrize("make", [Own, mlp, lambda: as_staged(mlp(), cuts=[1])])
@pytest.mark.parametrize("sharing", [Hard, Separate])
def test_an_encoder_of_ones_own_has_to_be_given(
    tmp_path: Path, make: Callable[[], nn.Module], sharing: Any
) -> None:
    tasks = [Regression("a"), Regression("b")]
    model = MultiTaskModel(sharing(make()), tasks, example=torch.zeros(2, 3))
    model.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"encoder is not one of plait's own.*encoder=\.\.\."):
        MultiTaskModel.from_pretrained(tmp_path)
    x = torch.randn(4, 3)
    for given in (make, make()):
        twin = MultiTaskModel.from_pretrained(tmp_path, encoder=given)
        assert all(torch.equal(value, model(x)[task]) for task, value in twin(x).items())
    with pytest.raises(CheckpointError, match=r"made for another model|no model can be built"):
        MultiTaskModel.from_pretrained(tmp_path, encoder=nn.Linear(3, 5))


def test_a_task_of_ones_own_has_to_be_given(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tasks = [OwnTask("a")]
    model = MultiTaskModel(Hard(ConvEncoder(widths=(4,))), tasks, example=IMAGES)
    model.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"task is not one of plait's own.*tasks=\[\.\.\.\]"):
        MultiTaskModel.from_pretrained(tmp_path)
    twin = MultiTaskModel.from_pretrained(tmp_path, tasks=tasks)
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(twin(x)["a"], model(x)["a"])


def test_a_class_that_only_has_the_name_of_one_of_plaits_is_ones_own(tmp_path: Path) -> None:
    namesake = type("ConvEncoder", (ConvEncoder,), {})
    model = MultiTaskModel(Hard(namesake(widths=(4,))), [Regression("a")], example=IMAGES)
    model.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"encoder=\.\.\."):
        MultiTaskModel.from_pretrained(tmp_path)


# --- damaged folders --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    image_model().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        MultiTaskModel.from_pretrained(folder)
    return str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name} is missing" in refused(folder)
    (folder / name).mkdir()
    assert f"{name} is missing" in refused(folder)
    assert "there is no folder" in refused(folder / "nowhere")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_truncated_file_is_named(folder: Path, name: str, share: float) -> None:
    content = (folder / name).read_bytes().rstrip()
    (folder / name).write_bytes(content[: int(share * len(content))])
    assert f"{name} is truncated" in refused(folder)


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_byte_in_the_header_is_found_or_harmless(folder: Path, seed: int) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    header = 8 + struct.unpack("<Q", content[:8])[0]
    generator = torch.Generator().manual_seed(seed)
    position = int(torch.randint(0, header, (1,), generator=generator))
    content[position] ^= 1 << int(torch.randint(0, 8, (1,), generator=generator))
    path.write_bytes(bytes(content))
    try:
        MultiTaskModel.from_pretrained(folder)
    except CheckpointError as error:
        assert "model.safetensors" in str(error) or str(folder) in str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"7",
        b'{"format": "pt"}',
        b'{"model_type": "bert", "hidden_size": 768}',
        b"[" * 100_000,
        b'{"format": "plait.model"}',
        b'{"format": "plait.model", "version": 2}',
        b'{"format": "plait.model", "version": 1}',
    ],
)
def test_a_foreign_configuration_is_refused(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert "config.json" in refused(folder)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a nested configuration."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, each in items:
        found.append((*path, key))
        if isinstance(each, dict | list):
            found += places(each, (*path, key))
    return found


@pytest.mark.parametrize("damage", [None, "missing", "text", -1, []])
def test_a_configuration_that_was_edited_raises_nothing_but_checkpoint_errors(
    folder: Path, damage: Any
) -> None:
    """Some edits make a model that still fits; none may end in another error."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    outcomes = []
    for place in places(config):
        edited = copy.deepcopy(config)
        owner = edited
        for key in place[:-1]:
            owner = owner[key]
        if damage == "missing":
            del owner[place[-1]]
        else:
            owner[place[-1]] = damage
        path.write_text(json.dumps(edited), encoding="utf-8")
        try:
            MultiTaskModel.from_pretrained(folder)
            outcomes.append(True)
        except CheckpointError:
            outcomes.append(False)
    assert outcomes.count(False) > len(outcomes) / 4


@pytest.mark.parametrize("part", ["sharing", "encoder", "tasks", "regularization"])
@pytest.mark.parametrize("name", ["os:system", "torch.nn:Linear", "plait.sharing:Hard", "Linear"])
def test_a_configuration_cannot_name_a_class_to_import(
    folder: Path, part: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    owner = config[part][0] if isinstance(config[part], list) else config[part]
    owner["class"] = name
    path.write_text(json.dumps(config), encoding="utf-8")

    load, table = importlib.import_module, {f"plait.{family}" for family in FAMILIES}

    def imports(module: str, package: str | None = None) -> Any:
        if module in {*table, "torch.nn"}:  # plait's own families, whatever the file says
            return load(module, package)
        raise AssertionError(f"{module} was imported")

    monkeypatch.setattr("importlib.import_module", imports)
    assert "unknown" in refused(folder)


def test_weights_of_another_model_are_refused(folder: Path, tmp_path: Path) -> None:
    other = MultiTaskModel(
        Hard(ConvEncoder(widths=(4,))), [Classification("kind", classes=3)], example=IMAGES
    )
    other.save_pretrained(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", folder)
    assert "it was made for another model" in refused(folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tasks"][0]["hidden"] = [7]
    path.write_text(json.dumps(config), encoding="utf-8")
    message = refused(folder)
    assert "heads.task:kind.layers.0" in message
    assert "it was made for another model" in message


def test_loads_with_the_tasks_in_any_dtype_of_inputs(tmp_path: Path) -> None:
    """Token inputs: whole numbers have to stay whole numbers."""

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(7, 4)

        def forward(self, tokens: Tensor) -> Tensor:
            return self.table(tokens).mean(dim=1)

    tokens = torch.randint(0, 7, (3, 5))
    model = MultiTaskModel(Hard(Words()), [Regression("a")], example=tokens).double()
    assert len(model.roles()) == 3
    model.save_pretrained(tmp_path)
    twin = MultiTaskModel.from_pretrained(tmp_path, encoder=Words)
    assert torch.equal(twin(tokens)["a"], model(tokens)["a"])
