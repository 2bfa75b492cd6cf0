"""Mixtures of experts, on stacks of linear layers."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.sharing import CGC, PLE, AdaTT, DSelectK, Hard, MMoE
from plait.sharing.experts.base import SHARED, ExpertSharing
from plait.sharing.experts.gates import GateReads, Logits
from plait.sharing.experts.selectors import Selectors, entropy_of, reach_of
from tests.architectures.adapters.files import Golden

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}
Layers = Sequence[Any]  # [W, b] of each


def put(parameter: Tensor, values: Any) -> None:
    with torch.no_grad():
        parameter.copy_(torch.tensor(values, dtype=parameter.dtype))


def linears(module: nn.Module) -> list[nn.Linear]:
    return [part for part in module.modules() if isinstance(part, nn.Linear)]


def load(module: nn.Module, layers: Layers) -> None:
    """Gives a module's linear layers, in order, the weights [W, b] or [W]."""
    for linear, (weight, *bias) in zip(linears(module), layers, strict=True):
        put(linear.weight, weight)
        if bias:
            put(linear.bias, bias[0])
        else:
            assert linear.bias is None


def block(golden: Golden, layers: Layers) -> nn.Sequential:
    """Linear layers, each with the case's activation behind it."""
    parts: list[nn.Module] = []
    for weight, _ in layers:
        parts += [
            nn.Linear(len(weight[0]), len(weight)),
            ACTIVATIONS[golden.config["activation"]](),
        ]
    made = nn.Sequential(*parts).to(golden.dtype)
    load(made, layers)
    return made


def encoder(golden: Golden, levels: Sequence[Layers], *, flat: bool = False) -> nn.Sequential:
    blocks: list[nn.Module] = [block(golden, layers) for layers in levels]
    return nn.Sequential(*([nn.Flatten()] if flat else []), *blocks)


def head(golden: Golden, layer: Any) -> nn.Linear:
    weight, _ = layer
    made = nn.Linear(len(weight[0]), len(weight)).to(golden.dtype)
    load(made, [layer])
    return made


def prepared(golden: Golden, sharing: Any, tasks: Sequence[str], inputs: Tensor) -> Any:
    sharing.setup(tasks, inputs)
    return sharing.to(golden.dtype)


def load_experts(sharing: ExpertSharing, owner: str, experts: Sequence[Sequence[Layers]]) -> None:
    """Gives the experts of an owner their levels."""
    own = list(sharing.encoders[owner].children()) if owner in sharing.encoders else []
    for expert, levels in zip(own, experts, strict=True):
        load(expert, [*chain.from_iterable(levels)])


def swapped(rows: Tensor | Sequence[Any], shared: int) -> list[Any]:
    """The rows of a gate with the shared experts last instead of first, or the other way round."""
    return [*rows[shared:], *rows[:shared]]


def check_outputs(golden: Golden, features: Mapping[str, Any]) -> Tensor:
    """Compares outputs, and the loss where there is one."""
    outputs = {
        t: head(golden, golden.params["heads"][t])(f.levels[-1]) for t, f in features.items()
    }
    golden.check(outputs, "outputs")
    return sum((0.5 * y.square().sum() for y in outputs.values()), start=torch.zeros(()))


def mmoe(golden: Golden) -> None:
    golden.know("tasks", "n_experts", "activation", "loss")
    params, tasks, x = golden.params, golden.config["tasks"], golden.tensor(golden.inputs["x"])
    base = encoder(golden, [[params["experts"][0]]], flat=x.dim() > 2)
    sharing = MMoE(base, experts=golden.config["n_experts"], gate_input="input")
    prepared(golden, sharing, tasks, x)
    load_experts(sharing, SHARED, [[[layer]] for layer in params["experts"]])
    gates: dict[str, Any] = {task: sharing.gates[safe_key(task)] for task in tasks}
    for task in tasks:
        load(gates[task], [params["gates"][task]])
    loss = check_outputs(golden, sharing(x))
    golden.check({task: gate.weights(x, None) for task, gate in gates.items()}, "gates")
    golden.check(loss, "loss")
    loss.backward()
    golden.check({t: linears(gate)[0].weight.grad for t, gate in gates.items()}, "grad_gate_W")
    golden.check(linears(sharing.prototype())[0].weight.grad, "grad_expert0_W")


def cgc(golden: Golden) -> None:
    golden.know("tasks", "n_shared", "n_specific", "gate_order", "activation", "loss")
    assert golden.config["gate_order"] == "shared experts first, then the experts of the task"
    tasks, x = golden.config["tasks"], golden.tensor(golden.inputs["x"])
    shared = golden.config["n_shared"]
    sharing = level_of(golden, golden.params["shared_experts"], golden.params["task_experts"], x)
    load_gates(sharing, golden.params["gates"], shared)
    loss = check_outputs(golden, sharing(x))
    golden.check(loss, "loss")
    loss.backward()
    grads: dict[str, Any] = {}
    for task in tasks:
        grad = linears(sharing.gates[safe_key(task)])[0].weight.grad
        assert grad is not None
        own = len(grad) - shared
        grads[task] = torch.cat([grad[own:], grad[:own]])
    golden.check(grads, "grad_gate_W")
    golden.check(linears(sharing.encoders[SHARED])[0].weight.grad, "grad_shared0_W")
    first = sharing.encoders[safe_key(tasks[0])]
    golden.check(linears(first)[0].weight.grad, "grad_task0_expert0_W")


def level_of(
    golden: Golden, shared: Sequence[Layers], own: Mapping[str, Sequence[Layers]], inputs: Any
) -> CGC:
    """CGC of one layer, without the gates' weights."""
    counts = {task: len(experts) for task, experts in own.items()}
    made = CGC(
        encoder(golden, [[shared[0]]]),
        task_experts=counts,
        shared_experts=len(shared),
        gate_input="input",
    )
    prepared(golden, made, list(own), inputs)
    load_experts(made, SHARED, [[[layer]] for layer in shared])
    for task, experts in own.items():
        load_experts(made, safe_key(task), [[[layer]] for layer in experts])
    return made


def load_gates(sharing: CGC, gates: Mapping[str, Any], shared: int) -> None:
    """Gives gates the rows of a file with shared experts first."""
    for task, (weight, bias) in gates.items():
        rows = [swapped(weight, shared), swapped(bias, shared)]
        load(sharing.gates[safe_key(task)], [rows])


def ple_libmtl_variant(golden: Golden) -> None:
    golden.know("tasks", "n_shared", "n_specific", "gate_order", "activation", "n_levels")
    assert golden.config["gate_order"] == "shared experts first, then the experts of the task"
    levels = golden.params["levels"]
    assert len(levels) == golden.config["n_levels"]
    x = golden.tensor(golden.inputs["x"])
    inputs = PerTask(dict.fromkeys(golden.config["tasks"], x))
    features: dict[str, Any] = {}
    for level in levels:  # no branch of its own for what is shared: each task runs those experts
        sharing = level_of(golden, level["shared"], level["task"], inputs)
        load_gates(sharing, level["gates"], golden.config["n_shared"])
        features = sharing(inputs)
        inputs = PerTask({task: each.levels[-1] for task, each in features.items()})
    check_outputs(golden, features)


def ple_of(golden: Golden, x: Tensor, shared: int, gate_hidden: Sequence[int] = ()) -> PLE:
    """PLE with the experts of a file, without the gates' weights."""
    levels, tasks = golden.params["levels"], golden.config["tasks"]
    sharing = PLE(
        encoder(golden, [level["shared"][0] for level in levels]),
        task_experts={task: len(experts) for task, experts in levels[0]["task"].items()},
        shared_experts=shared,
        gate_input="input",
        gate_hidden=gate_hidden,
    )
    prepared(golden, sharing, tasks, x)
    load_experts(sharing, SHARED, [*zip(*(level["shared"] for level in levels), strict=True)])
    for task in tasks:
        own = [*zip(*(level["task"][task] for level in levels), strict=True)]
        load_experts(sharing, safe_key(task), own)
    return sharing


OWN_FIRST = (
    "own task experts, then shared; shared gate: all task experts in task order, then shared"
)


def ple(golden: Golden) -> None:
    golden.know(
        *("tasks", "n_shared", "n_specific", "n_levels", "expert_units", "gate_order"),
        *("activation", "loss"),
    )
    assert golden.config["gate_order"] == OWN_FIRST
    levels, tasks = golden.params["levels"], golden.config["tasks"]
    x = golden.tensor(golden.inputs["x"])
    sharing = ple_of(golden, x, golden.config["n_shared"])
    assert sharing.depth == golden.config["n_levels"]
    assert [*sharing.task_experts.values()] == golden.config["n_specific"]  # type: ignore[union-attr]
    for number, level in enumerate(levels):
        assert ("shared_gate" in level) == (f"{SHARED}/{number}" in sharing.gates)
        for task in tasks:
            load(sharing.gates[f"{safe_key(task)}/{number}"], [level["gates"][task]])
        if "shared_gate" in level:
            load(sharing.gates[f"{SHARED}/{number}"], [level["shared_gate"]])
    found = {task: each.levels[-1] for task, each in sharing(x).items()}
    golden.check(found, "task_representations")
    loss = torch.stack([0.5 * each.square().sum() for each in found.values()]).sum()
    golden.check(loss, "loss")
    loss.backward()
    grads = {t: linears(sharing.gates[f"{safe_key(t)}/0"])[0].weight.grad for t in tasks}
    golden.check(grads, "grad_level0_gate_W")
    if len(levels) > 1:
        shared = linears(sharing.gates[f"{SHARED}/0"])[0].weight.grad
        golden.check(shared, "grad_level0_shared_gate_W")


def adatt_sp(golden: Golden) -> None:
    golden.know(
        *("tasks", "n_task_experts", "n_shared", "n_levels", "expert_units", "activation"),
        *("expert_order", "residual"),
    )
    assert golden.config["expert_order"] == "task-major, shared last"
    levels, tasks, each = golden.params["levels"], golden.config["tasks"], golden.config
    x = golden.tensor(golden.inputs["x"])
    sharing = AdaTT(
        encoder(golden, [level["experts"][0] for level in levels]),
        task_experts=each["n_task_experts"],
        shared_experts=each["n_shared"],
        gate_input="input",
    )
    prepared(golden, sharing, tasks, x)
    experts = [*zip(*(level["experts"] for level in levels), strict=True)]
    for position, task in enumerate(tasks):
        first = position * each["n_task_experts"]
        load_experts(sharing, safe_key(task), experts[first : first + each["n_task_experts"]])
        for number, level in enumerate(levels):
            load(sharing.gates[f"{safe_key(task)}/{number}"], [level["gates"][position]])
        if golden.params["self_weights"] is not None:
            for number, level in enumerate(golden.params["self_weights"]):
                put(sharing.residuals[f"{safe_key(task)}/{number}"], level[position])
    assert bool(sharing.residuals) == (golden.params["self_weights"] is not None)
    found = {task: each.levels[-1] for task, each in sharing(x).items()}
    golden.check(found, "task_representations")


# --- DeepCTR-Torch: hidden layers in gates, towers, one output each ----------------------------


def know_towers(golden: Golden, *keys: str) -> None:
    golden.know(
        *("tasks", "task_types", "activation", "gate_order", "gate", "tower_dnn_hidden_units"),
        *keys,
    )
    assert golden.config["gate_order"] == OWN_FIRST
    assert golden.config["gate"] == "hidden ReLU layer(s) then a bias-free Linear, softmax"


def check_predictions(golden: Golden, features: Mapping[str, Any]) -> None:
    golden.check({t: each.levels[-1] for t, each in features.items()}, "task_representations")
    kinds = dict(zip(golden.config["tasks"], golden.config["task_types"], strict=True))
    outputs: dict[str, Tensor] = {}
    for task, each in features.items():
        (layers,) = golden.params["towers"][task]
        final = [golden.params["final_W"][task], golden.params["out_bias"][task]]
        raw = head(golden, final)(block(golden, [layers])(each.levels[-1])).squeeze(-1)
        outputs[task] = {"binary": torch.sigmoid, "regression": torch.clone}[kinds[task]](raw)
    golden.check(outputs, "predictions")


def load_hidden_gate(gate: nn.Module, hidden: Layers, final: Any) -> None:
    load(gate, [*hidden, [final]])


def shared_bottom(golden: Golden) -> None:
    know_towers(golden, "bottom_dnn_hidden_units")
    x = golden.tensor(golden.inputs["x"])
    sharing = Hard(encoder(golden, [golden.params["bottom"]]))
    prepared(golden, sharing, golden.config["tasks"], x)
    check_predictions(golden, sharing(x))


def mmoe_hidden_gate(golden: Golden) -> None:
    know_towers(golden, "num_experts", "expert_dnn_hidden_units", "gate_dnn_hidden_units")
    params, config, x = golden.params, golden.config, golden.tensor(golden.inputs["x"])
    sharing = MMoE(
        encoder(golden, [params["experts"][0]]),
        experts=config["num_experts"],
        gate_hidden=config["gate_dnn_hidden_units"],
    )
    prepared(golden, sharing, config["tasks"], x)
    load_experts(sharing, SHARED, [[layers] for layers in params["experts"]])
    for task in config["tasks"]:
        hidden, final = params["gate_hidden"][task], params["gate_final_W"][task]
        load_hidden_gate(sharing.gates[safe_key(task)], hidden, final)
    check_predictions(golden, sharing(x))


def ple_hidden_gate(golden: Golden) -> None:
    know_towers(
        golden,
        *("shared_expert_num", "specific_expert_num", "num_levels", "expert_dnn_hidden_units"),
        "gate_dnn_hidden_units",
    )
    x, hidden = golden.tensor(golden.inputs["x"]), golden.config["gate_dnn_hidden_units"]
    sharing = ple_of(golden, x, golden.config["shared_expert_num"], hidden)
    assert sharing.depth == golden.config["num_levels"]
    for number, level in enumerate(golden.params["levels"]):
        for task in golden.config["tasks"]:
            gate = sharing.gates[f"{safe_key(task)}/{number}"]
            load_hidden_gate(gate, level["gate_hidden"][task], level["gate_final_W"][task])
        if number < sharing.depth - 1:
            gate = sharing.gates[f"{SHARED}/{number}"]
            load_hidden_gate(gate, level["shared_gate_hidden"], level["shared_gate_final_W"])
    check_predictions(golden, sharing(x))


# --- DSelect-k ---------------------------------------------------------------------------------


def dselect_k(golden: Golden) -> None:
    golden.know("tasks", "n_experts", "k", "n_bits", "gamma", "conditioning", "activation")
    params, config, x = golden.params, golden.config, golden.tensor(golden.inputs["x"])
    sharing = DSelectK(
        encoder(golden, [[params["experts"][0]]]),
        experts=config["n_experts"],
        k=config["k"],
        gamma=config["gamma"],
        conditioning=config["conditioning"],
        entropy=1.0,
        reach=1.0,
        reduction="sum",
    )
    prepared(golden, sharing, config["tasks"], x)
    load_experts(sharing, SHARED, [[[layer]] for layer in params["experts"]])
    gates: dict[str, Any] = {task: sharing.gates[safe_key(task)] for task in config["tasks"]}
    for task, gate in gates.items():
        assert gate.bits == config["n_bits"]
        load(gate.z, [params["z_logits"][task]])
        load(gate.w, [params["w_logits"][task]])
    check_outputs(golden, sharing(x))
    found = {task: gate(x) for task, gate in gates.items()}
    golden.check({task: weights for task, (_, weights) in found.items()}, "expert_weights")
    golden.check({task: selectors for task, (selectors, _) in found.items()}, "selectors")
    alone = {task: sharing(x, tasks=[task]).terms for task in config["tasks"]}
    for name in ("entropy", "reach"):
        title, zero = f"DSelectK: {name}", torch.zeros(())
        terms = {t: each[title].raw if title in each else zero for t, each in alone.items()}
        golden.check(terms, name)
        together = sharing(x).terms.get(title)
        if together is not None:
            expected = torch.stack([*terms.values()]).sum()
            torch.testing.assert_close(together.raw, expected.to(together.raw.dtype))


def dselect_k_gate(golden: Golden) -> None:
    golden.know("n_experts", "k", "n_bits", "gamma", "conditioning")
    assert golden.config["conditioning"] == "task_only"
    config, c = golden.config, golden.tensor(golden.inputs["c"])
    gate = Selectors(config["n_experts"], config["k"], config["gamma"], GateReads("nothing"))
    gate = gate.to(golden.dtype)
    assert gate.bits == config["n_bits"]
    z, w = free(gate.z), free(gate.w)
    put(z, golden.tensor(golden.params["z_logits"]).flatten().tolist())
    put(w, golden.params["w_logits"])
    selectors, weights = gate(None)
    golden.check(weights, "expert_weights")
    golden.check(selectors, "selectors")
    golden.check(weights.sum(), "sum_weights")
    golden.check(int((weights != 0).sum()), "n_nonzero")
    assert entropy_of(selectors).isfinite()
    assert reach_of(selectors).isfinite()
    torch.dot(weights, c).backward()
    assert z.grad is not None
    golden.check(z.grad.view(config["k"], config["n_bits"]), "grad_z_of_dot_c")
    golden.check(w.grad, "grad_w_of_dot_c")


def free(logits: Logits) -> nn.Parameter:
    assert logits.free is not None
    return logits.free


METHODS = {
    "mmoe": mmoe,
    "mmoe_hidden_gate": mmoe_hidden_gate,
    "shared_bottom": shared_bottom,
    "cgc": cgc,
    "ple": ple,
    "ple_hidden_gate": ple_hidden_gate,
    "ple_libmtl_variant": ple_libmtl_variant,
    "adatt_sp": adatt_sp,
    "dselect_k": dselect_k,
    "dselect_k_gate": dselect_k_gate,
}
