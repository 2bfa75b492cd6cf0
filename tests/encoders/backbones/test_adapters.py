from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.encoders.backbones.adapters import adapted, adapter_of

peft = pytest.importorskip("peft")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x).relu())


LORA: dict[str, Any] = {"r": 2, "target_modules": ["first"]}


def test_the_adapters_alone_learn_and_change_nothing_at_the_start() -> None:
    net, x = Net(), torch.randn(3, 4)
    before = net(x)
    assert adapted(net, LORA) is net
    learning = [name for name, each in net.named_parameters() if each.requires_grad]
    assert learning == ["first.lora_A.default.weight", "first.lora_B.default.weight"]
    assert torch.equal(net(x), before)


def test_its_formula() -> None:
    """y = W x + b + (alpha / r) B A x."""
    net, x = adapted(Net(), {**LORA, "lora_alpha": 6}), torch.randn(3, 4)
    first = net.get_submodule("first")
    a, b = (first.get_parameter(f"lora_{name}.default.weight") for name in "AB")
    nn.init.normal_(b)
    base = first.get_submodule("base_layer")
    torch.testing.assert_close(first(x), base(x) + 6 / 2 * x @ a.T @ b.T)


def test_without_options_the_network_is_as_it_was() -> None:
    net = Net()
    names = list(net.state_dict())
    assert list(adapted(net, None).state_dict()) == names and adapter_of(net) is None


def test_the_options_of_a_network_that_has_adapters_make_the_same_ones() -> None:
    wrapped = peft.get_peft_model(Net(), peft.LoraConfig(**LORA, lora_alpha=3))
    options = adapter_of(wrapped.get_base_model())
    assert options is not None and options["r"] == 2 and options["peft_type"] == "LORA"
    again = adapted(Net(), options)
    assert list(again.state_dict()) == list(wrapped.get_base_model().state_dict())
    assert again.get_submodule("first").scaling == {"default": 1.5}


def test_several_adapters_are_refused() -> None:
    wrapped = peft.get_peft_model(Net(), peft.LoraConfig(**LORA))
    wrapped.add_adapter("other", peft.LoraConfig(**LORA))
    with pytest.raises(ConfigError, match="one adapter; found default, other"):
        adapter_of(wrapped.get_base_model())


@pytest.mark.parametrize(
    "adapter",
    [{"rank": 2}, {"r": 2, "target_modules": ["nowhere"]}, {"peft_type": "LOTA"}, {"r": -1}],
)
def test_options_that_do_not_fit_are_refused(adapter: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="`adapter` must be options of a configuration of peft"):
        adapted(Net(), {**LORA, **adapter})


def test_soft_prompts_are_no_part_of_a_network() -> None:
    prompt = {
        "peft_type": "PROMPT_TUNING",
        "num_virtual_tokens": 2,
        "task_type": "FEATURE_EXTRACTION",
    }
    with pytest.raises(ConfigError, match="`adapter` must be options"):
        adapted(Net(), prompt)


def test_other_adapters_are_not_loaded_by_their_names() -> None:
    with pytest.raises(ConfigError, match=r"must not name other adapters.*'hub/name'"):
        adapted(Net(), {"peft_type": "XLORA", "adapters": {"0": "hub/name"}, "hidden_size": 4})
