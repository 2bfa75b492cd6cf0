"""Attention over one trunk, trees of modules, and blocks that tasks skip."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.keys import safe_key
from plait.sharing import MTAN, AdaShare, LearningToBranch
from plait.sharing.search.routes import Routes
from tests.architectures.adapters.files import Adapter, Golden
from tests.networks.progress import set_progress

State = dict[str, Tensor]


class NetBlock(nn.Module):
    """A block of a ResNet: basic, or a bottleneck; with the names of torchvision."""

    def __init__(self, fan_in: int, fan_out: int, stride: int, bottleneck: bool, mid: int) -> None:
        super().__init__()
        layers = [(fan_in, fan_out, 3, stride), (fan_out, fan_out, 3, 1)]
        if bottleneck:
            layers = [(fan_in, mid, 1, 1), (mid, mid, 3, stride), (mid, fan_out, 1, 1)]
        self.depth = len(layers)
        for i, (a, b, kernel, step) in enumerate(layers, 1):
            conv = nn.Conv2d(a, b, kernel, step, padding=kernel // 2, bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(b))
        self.downsample: nn.Module | None = None
        if stride != 1 or fan_in != fan_out:
            self.downsample = projection(fan_in, fan_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x
        for i in range(1, self.depth + 1):
            hidden = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(hidden))
            hidden = hidden.relu() if i < self.depth else hidden
        return (hidden + (x if self.downsample is None else self.downsample(x))).relu()


def projection(fan_in: int, fan_out: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(fan_in, fan_out, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(fan_out))


def part(state: State, prefix: str) -> State:
    """The entries below a prefix, by the rest of their names."""
    start = prefix + "."
    return {key.removeprefix(start): value for key, value in state.items() if key.startswith(start)}


def load(module: nn.Module, state: State) -> None:
    """Loads all of a state in its dtype; what counts the batches is not in the files."""
    module.to(next(iter(state.values())).dtype)
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(key.endswith("num_batches_tracked") for key in missing), missing


def without_biases(state: State) -> State:
    """Folds the biases in front of a batch norm into its running mean: the same function."""
    folded = dict(state)
    for conv, norm in (("0", "1"), ("3", "4")):
        folded[f"{norm}.running_mean"] = folded[f"{norm}.running_mean"] - folded.pop(f"{conv}.bias")
    return folded


def refine_state(state: State) -> State:
    """A peer's block with our names."""
    found: State = {}
    for key, value in state.items():
        name, _, rest = key.partition(".")
        if name == "downsample":
            found[f"shortcut.{rest}"] = value
        else:
            kind, number = name[:-1], int(name[-1])
            found[f"body.{3 * (number - 1) + (kind == 'bn')}.{rest}"] = value
    return found


def children(state: State, prefix: str) -> list[str]:
    """The numbered parts below a prefix, in order."""
    numbers = sorted({int(key.partition(".")[0]) for key in part(state, prefix)})
    return [f"{prefix}.{number}" for number in numbers]


def peer_names(state: State, tasks: Sequence[str]) -> Mapping[str, Any]:
    """The two peers' names of the same parts; stages count from 1."""
    if "encoder.shared_conv.0.weight" in state:
        layer = "encoder.shared_layer"
        return {
            "stem": "encoder.shared_conv",
            "blocks": lambda s: [
                *children(state, f"{layer}.{s - 1}.0"),
                f"{layer}.{s - 1}.1",
            ],
            "attention": lambda s, task: f"encoder.encoder_att.{s - 1}.{tasks.index(task)}",
            "refine": lambda s: f"encoder.encoder_block_att.{s - 1}",
            "head": lambda task: f"decoders.{task}",
        }
    return {
        "stem": "backbone.stem",
        "blocks": lambda s: children(state, f"backbone.layer{s}"),
        "attention": lambda s, task: f"attention_{s}.{task}",
        "refine": lambda s: f"refine_{s}.0",
        "head": lambda task: f"heads.{task}",
    }


def mtan(golden: Golden) -> None:
    golden.know("tasks", "channels", "expansion", "trunk", "attention")
    tasks, widths = golden.config["tasks"], golden.config["channels"]
    state = {key: golden.tensor(value) for key, value in golden.params["state"].items()}
    text = golden.config["trunk"]
    names = peer_names(state, tasks)
    bottleneck = "Bottleneck" in text
    steps, strides = re.search(r"conv3x3 s(\d)", text), re.search(r"strides \[([\d, ]+)\]", text)
    assert steps is not None
    assert strides is not None
    enters = state[names["stem"] + ".0.weight"].shape[1]
    stem = nn.Sequential(
        nn.Conv2d(enters, widths[0], 3, int(steps.group(1)), padding=1, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
    )
    load(stem, part(state, names["stem"]))
    stages: list[nn.Sequential] = []
    for s, (width, stride) in enumerate(zip(widths, strides.group(1).split(","), strict=True), 1):
        blocks: list[nn.Module] = [stem] if s == 1 else []
        for b, name in enumerate(names["blocks"](s)):
            own = part(state, name)
            mid, fan_in = own["conv1.weight"].shape[:2]
            block = NetBlock(fan_in, width, int(stride) if b == 0 else 1, bottleneck, mid)
            if "downsample.0.weight" in own and block.downsample is None:
                block.downsample = projection(fan_in, width, 1)
            load(block, own)
            blocks.append(block)
        stages.append(nn.Sequential(*blocks))

    x = golden.tensor(golden.inputs["x"])
    reduction = 4 if bottleneck else 1
    refine = "bottleneck" if bottleneck else "basic"
    sharing = MTAN(nn.Sequential(*stages), refine=refine, reduction=reduction)
    sharing.setup(tasks, x)
    sharing = sharing.to(golden.dtype).eval()
    masks: dict[str, dict[str, Tensor]] = {}
    for s in range(1, len(widths) + 1):
        for task in tasks:
            attention = sharing.attention[safe_key(task)].get_submodule(str(s - 1))
            load(attention, without_biases(part(state, names["attention"](s, task))))
            kept = masks.setdefault(f"stage{s}", {})
            attention.register_forward_hook(
                lambda _module, _given, mask, kept=kept, task=task: kept.update({task: mask})
            )
        if s < len(widths):
            load(sharing.refining[s - 1], refine_state(part(state, names["refine"](s))))

    features = sharing(x)
    outputs: dict[str, Tensor] = {}
    for task in tasks:
        head = nn.Conv2d(widths[-1], state[names["head"](task) + ".weight"].shape[0], 1)
        load(head, part(state, names["head"](task)))
        outputs[task] = head(features[task].levels[-1])
    golden.check(outputs, "outputs")
    if "final_features" in golden.case["expected"]:
        golden.check({task: features[task].levels[-1] for task in tasks}, "final_features")
    if "masks" in golden.case["expected"]:
        wanted = golden.expected("masks")
        golden.check({stage: masks[stage] for stage in wanted}, "masks")


def affine(golden: Golden, values: Sequence[Any]) -> nn.Linear:
    weight, bias = map(golden.tensor, values)
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    load(layer, {"weight": weight, "bias": bias})
    return layer


def ltb_route(golden: Golden) -> None:
    golden.know("tasks", "n_stages", "activation", "route_parent")
    assert golden.config["activation"] == "tanh"
    tasks, parents = golden.config["tasks"], golden.config["route_parent"]
    stages = [[affine(golden, each) for each in golden.params["stages"][task]] for task in tasks]
    assert {len(column) for column in stages} == {golden.config["n_stages"]}
    encoder = nn.Sequential(*(nn.Sequential(layer, nn.Tanh()) for layer in stages[0]))
    x = golden.tensor(golden.inputs["x"])

    # the tree that is given, and a search whose logits are for it
    routes = [*parents, list(range(len(tasks)))]
    retrained = LearningToBranch(encoder, routes=routes)
    searched = LearningToBranch(encoder)
    for sharing in (retrained, searched):
        sharing.setup(tasks, x)
        sharing.to(golden.dtype).eval()
        for level, blocks in enumerate(sharing.blocks):
            assert isinstance(blocks, nn.ModuleDict)
            for index, block in blocks.items():
                layer = stages[int(index)][level]
                load(block, {f"parts.0.0.{k}": v for k, v in layer.state_dict().items()})
    for choice, row in zip(searched.choices, parents, strict=True):
        assert isinstance(choice, Routes)
        for reader, read in zip(choice.readers, row, strict=True):
            with torch.no_grad():
                choice.logits[reader][read] = 3.0
    set_progress(searched, 1.0)
    assert searched.searched() == {"routes": routes}

    for sharing in (retrained, searched):
        features = sharing(x)
        outputs = {
            task: affine(golden, golden.params["heads"][task])(features[task].levels[-1])
            for task in tasks
        }
        golden.check(outputs, "outputs")
        golden.check(sharing.paths(), "module_path_stem_to_last")


class TanhBlock(nn.Module):
    """A residual block of the file: ``relu(x + tanh(x W^T + b))``."""

    shortcut = None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layer(x).tanh()).relu()


def adashare(golden: Golden) -> None:
    golden.know("tasks", "n_blocks", "soft", "columns", "block")
    assert golden.config["columns"] == "logits[...,0] = select, [...,1] = skip"
    assert golden.config["block"] == "tanh(h W^T + b)"
    tasks, soft = golden.config["tasks"], golden.config["soft"]
    blocks = [TanhBlock(affine(golden, each)) for each in golden.params["blocks"]]
    assert len(blocks) == golden.config["n_blocks"]
    encoder = nn.Sequential(*blocks)
    x, logits = golden.tensor(golden.inputs["x"]), golden.tensor(golden.params["logits"])
    for form, suffix in (("paper", "paper"), ("official", "official_code")):
        sharing = AdaShare(encoder, form=form, sparsity=1.0, agreement=1.0)
        sharing.setup(tasks, x)
        sharing.to(golden.dtype).eval()
        assert sharing.policies is not None
        with torch.no_grad():
            for task, own in zip(tasks, logits, strict=True):
                sharing.policies.logits[safe_key(task)].copy_(own)
        set_progress(sharing, 1.0)
        features = sharing(x)
        golden.check(features.terms["AdaShare: sparsity"].scaled, f"sparsity_{suffix}")
        golden.check(features.terms["AdaShare: sharing"].scaled, f"sharing_{suffix}")

    rows = sharing.watched()["AdaShare: selected"].rows
    shares = torch.stack([rows[task] for task in tasks])
    found: list[list[float]] = sharing.searched()["policy"]
    policy = shares if soft else golden.tensor(found)
    golden.check(torch.stack([policy, 1 - policy], dim=-1), "policy")
    given = AdaShare(encoder, policy=policy.tolist())
    given.setup(tasks, x)
    for module in [given] if soft else [given, sharing]:
        features = module.eval()(x)
        golden.check({task: features[task].levels[-1] for task in tasks}, "task_representations")


METHODS: dict[str, Adapter] = {"mtan": mtan, "ltb_route": ltb_route, "adashare": adashare}
