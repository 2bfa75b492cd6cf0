"""What each rule says of its node, against every derivative of the node."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.gradients.labels.places import Place
from plait.gradients.labels.rules import RULES, SEVERAL_OUTPUTS
from tests.gradients.labels.jacobians import assert_true, claims

aten = torch.ops.aten
ON_A_GPU = {"ScaledDotProductEfficientAttentionBackward0"}


def leaf(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64).requires_grad_()


def cube() -> Tensor:
    """Three axes of one size: nothing can be told from the shape."""
    return leaf(3, 3, 3)


def positive() -> Tensor:
    return (torch.rand(3, 3, 3, dtype=torch.float64) * 0.8 + 0.1).requires_grad_()


def image() -> Tensor:
    return leaf(2, 2, 4, 4)


def volume() -> Tensor:
    return leaf(2, 2, 2, 2, 2)


def index(*shape: int) -> Tensor:
    return torch.randint(2, shape)


OF_ONE_NUMBER: dict[str, Callable[[Tensor], Tensor]] = {
    "AbsBackward0": torch.abs,
    "AcosBackward0": torch.acos,
    "AcoshBackward0": lambda x: (x.detach() + 1).requires_grad_().acosh(),
    "AddBackward1": lambda x: aten.add.Scalar(x, 2.0),
    "AliasBackward0": aten.alias,
    "AsinBackward0": torch.asin,
    "AsinhBackward0": torch.asinh,
    "AtanBackward0": torch.atan,
    "AtanhBackward0": torch.atanh,
    "CeluBackward0": F.celu,
    "ClampBackward1": lambda x: x.clamp(0.2, 0.6),
    "ClampMaxBackward0": lambda x: x.clamp_max(0.5),
    "ClampMinBackward0": lambda x: x.clamp_min(0.5),
    "CloneBackward0": torch.clone,
    "CosBackward0": torch.cos,
    "CoshBackward0": torch.cosh,
    "DivBackward1": lambda x: aten.div.Scalar(x, 2.0),
    "EluBackward0": F.elu,
    "ErfBackward0": torch.erf,
    "ErfcBackward0": torch.erfc,
    "ErfinvBackward0": torch.erfinv,
    "ExpBackward0": torch.exp,
    "Exp2Backward0": torch.exp2,
    "Expm1Backward0": torch.expm1,
    "GeluBackward0": F.gelu,
    "HardshrinkBackward0": lambda x: F.hardshrink(x, 0.4),
    "HardsigmoidBackward0": F.hardsigmoid,
    "HardswishBackward0": F.hardswish,
    "HardtanhBackward0": F.hardtanh,
    "LeakyReluBackward0": F.leaky_relu,
    "LogBackward0": torch.log,
    "Log10Backward0": torch.log10,
    "Log1PBackward0": torch.log1p,
    "Log2Backward0": torch.log2,
    "LogSigmoidBackward0": F.logsigmoid,
    "LogitBackward0": torch.logit,
    "MaskedFillBackward0": lambda x: x.masked_fill(x > 0.5, 0.0),
    "MishBackward0": F.mish,
    "MulBackward1": lambda x: aten.mul.Scalar(x, 2.0),
    "NanToNumBackward0": torch.nan_to_num,
    "NativeDropoutBackward0": lambda x: torch.native_dropout(x, 0.5, True)[0],
    "NegBackward0": torch.neg,
    "PowBackward0": torch.square,
    "PowBackward2": lambda x: 2**x,
    "ReciprocalBackward0": torch.reciprocal,
    "ReluBackward0": torch.relu,
    "RreluWithNoiseBackward0": lambda x: F.rrelu(x, training=True),
    "RsqrtBackward0": torch.rsqrt,
    "RsubBackward1": lambda x: 1 - x,
    "SigmoidBackward0": torch.sigmoid,
    "SiluBackward0": F.silu,
    "SinBackward0": torch.sin,
    "SinhBackward0": torch.sinh,
    "SoftplusBackward0": F.softplus,
    "SoftshrinkBackward0": lambda x: F.softshrink(x, 0.2),
    "SqrtBackward0": torch.sqrt,
    "SubBackward1": lambda x: aten.sub.Scalar(x, 2.0),
    "TanBackward0": torch.tan,
    "TanhBackward0": torch.tanh,
    "ThresholdBackward0": lambda x: F.threshold(x, 0.4, 0.0),
    "ToCopyBackward0": lambda x: aten._to_copy(x, dtype=torch.float64),
}
# name: what makes it, each of which the rule has to accept with the examples in the first axis
OTHERS: dict[str, list[Callable[[], Tensor]]] = {
    "AdaptiveAvgPool2DBackward0": [lambda: F.adaptive_avg_pool2d(image(), 3)],
    "AdaptiveAvgPool3DBackward0": [lambda: F.adaptive_avg_pool3d(volume(), (1, 2, 1))],
    "AdaptiveMaxPool2DBackward0": [lambda: F.adaptive_max_pool2d(image(), 3)],
    "AddBackward0": [
        lambda: cube() + cube(),
        lambda: torch.add(cube(), leaf(3), alpha=2.0),
        lambda: leaf(3, 1) + cube(),
        lambda: leaf(3, 1, 3) + leaf(3, 3, 1),
    ],
    "AddcdivBackward0": [lambda: torch.addcdiv(cube(), leaf(3), positive())],
    "AddcmulBackward0": [lambda: torch.addcmul(leaf(3), cube(), leaf(3, 3, 1))],
    "AddmmBackward0": [lambda: torch.addmm(leaf(3), leaf(3, 3), leaf(3, 3), beta=2, alpha=3)],
    "AmaxBackward0": [
        lambda: cube().amax(-1),
        lambda: torch.ones(3, 3, 3, dtype=torch.float64).requires_grad_().amax((1, 2)),
    ],
    "AminBackward0": [lambda: cube().amin(1, keepdim=True)],
    "Atan2Backward0": [lambda: torch.atan2(cube(), leaf(3, 1))],
    "AvgPool2DBackward0": [lambda: F.avg_pool2d(image(), 2), lambda: F.avg_pool2d(cube(), 2, 1)],
    "AvgPool3DBackward0": [lambda: F.avg_pool3d(volume(), 2, 1, 1)],
    "BaddbmmBackward0": [
        lambda: torch.baddbmm(leaf(3), cube(), cube()),
        lambda: torch.baddbmm(leaf(3, 1, 3), cube(), cube()),
    ],
    "BmmBackward0": [
        lambda: torch.bmm(cube(), cube()),
        lambda: torch.bmm(leaf(2, 3, 1), leaf(2, 1, 2)),
    ],
    "CatBackward0": [
        lambda: torch.cat([cube(), leaf(3, 2, 3)], 1),
        lambda: torch.cat([cube()] * 2, -1),
    ],
    "ChannelShuffleBackward0": [lambda: aten.channel_shuffle(leaf(2, 4, 2, 2), 2)],
    "ClampBackward0": [lambda: cube().clamp(leaf(3) - 1, leaf(3, 1) + 1)],
    "Col2ImBackward0": [lambda: F.fold(leaf(2, 4, 4), (3, 3), 2)],
    "ConstantPadNdBackward0": [
        lambda: F.pad(cube(), (1, 2)),
        lambda: F.pad(cube(), (1, -1, 0, 2)),
    ],
    "ConvolutionBackward0": [
        lambda: F.conv1d(leaf(3, 2, 3), leaf(3, 2, 1), leaf(3)),
        lambda: F.conv2d(image(), leaf(2, 1, 2, 2), leaf(2), stride=2, padding=1, groups=2),
        lambda: F.conv2d(image(), leaf(2, 2, 2, 2), dilation=2),
        lambda: F.conv_transpose2d(leaf(2, 2, 2, 2), leaf(2, 2, 2, 2), leaf(2)),
        lambda: F.conv3d(volume(), leaf(2, 2, 2, 2, 2)),
    ],
    "CumprodBackward0": [lambda: positive().cumprod(1)],
    "CumsumBackward0": [lambda: cube().cumsum(-1), lambda: cube().cumsum(1)],
    "DivBackward0": [lambda: cube() / positive(), lambda: cube() / leaf(3, 1, 1)],
    "EmbeddingBackward0": [lambda: F.embedding(index(3, 3), leaf(3, 3), padding_idx=1)],
    "ExpandBackward0": [lambda: leaf(3, 1, 3).expand(3, 3, 3), lambda: leaf(1, 3).expand(3, 3, 3)],
    "FlipBackward0": [lambda: cube().flip(-1), lambda: cube().flip(1, 2)],
    "GatherBackward0": [
        lambda: cube().gather(1, index(3, 2, 3)),
        lambda: cube().gather(-1, index(3, 3, 1)),
    ],
    "GluBackward0": [lambda: F.glu(leaf(3, 3, 4)), lambda: F.glu(leaf(3, 4, 2), 1)],
    "HypotBackward0": [lambda: torch.hypot(cube(), leaf(3))],
    "Im2ColBackward0": [lambda: F.unfold(leaf(2, 2, 3, 3), 2)],
    "IndexBackward0": [
        lambda: cube()[:, [2, 0]],
        lambda: cube()[:, :, torch.tensor([1, 1])],
        lambda: cube()[:, torch.tensor([True, False, True])],
    ],
    "IndexSelectBackward0": [lambda: cube().index_select(-1, index(2))],
    "LerpBackward0": [lambda: torch.lerp(cube(), leaf(3), 0.3)],
    "LerpBackward1": [lambda: torch.lerp(cube(), leaf(3), positive())],
    "LinalgVectorNormBackward0": [
        lambda: torch.linalg.vector_norm(cube(), dim=(1, -1), keepdim=True)
    ],
    "LogSoftmaxBackward0": [lambda: cube().log_softmax(-1), lambda: cube().log_softmax(1)],
    "LogaddexpBackward0": [lambda: torch.logaddexp(cube(), leaf(3))],
    "LogsumexpBackward0": [lambda: cube().logsumexp(-1), lambda: cube().logsumexp((1, 2), True)],
    "MaskedFillBackward1": [lambda: cube().masked_fill(torch.rand(3, 3) > 0.5, leaf())],
    "MaxBackward0": [lambda: cube().max(-1)[0], lambda: cube().max(1, keepdim=True)[0]],
    "MaxPool2DWithIndicesBackward0": [
        lambda: F.max_pool2d(image(), 2),
        lambda: F.max_pool2d(cube(), 2, 1),
    ],
    "MaxPool3DWithIndicesBackward0": [lambda: F.max_pool3d(volume(), 2, 1, 1)],
    "MaximumBackward0": [lambda: torch.maximum(cube(), leaf(3))],
    "MeanBackward1": [lambda: cube().mean((-1, -2), keepdim=True), lambda: cube().mean(1)],
    "MinBackward0": [lambda: cube().min(-1)[0]],
    "MinimumBackward0": [lambda: torch.minimum(cube(), leaf(3, 3))],
    "MmBackward0": [lambda: leaf(3, 3) @ leaf(3, 3), lambda: leaf(4, 3) @ leaf(3, 2)],
    "MulBackward0": [
        lambda: cube() * cube(),
        lambda: cube() * leaf(3),
        lambda: leaf(3, 1, 1) * cube(),
    ],
    "MvBackward0": [lambda: leaf(3, 3) @ leaf(3)],
    "NativeBatchNormBackward0": [
        lambda: F.batch_norm(
            cube(), torch.zeros(3).double(), torch.ones(3).double(), leaf(3), leaf(3)
        ),
        lambda: F.batch_norm(leaf(3, 3), torch.zeros(3).double(), torch.ones(3).double()),
    ],
    "NativeGroupNormBackward0": [
        lambda: F.group_norm(leaf(4, 4, 3), 2, leaf(4), leaf(4)),
        lambda: F.group_norm(leaf(2, 2), 1),
    ],
    "NativeLayerNormBackward0": [
        lambda: F.layer_norm(cube(), (3,), leaf(3), leaf(3)),
        lambda: F.layer_norm(cube(), (3, 3)),
    ],
    "PermuteBackward0": [lambda: cube().permute(0, -1, 1)],
    "PixelShuffleBackward0": [lambda: F.pixel_shuffle(leaf(2, 4, 2, 1), 2)],
    "PixelUnshuffleBackward0": [lambda: F.pixel_unshuffle(leaf(2, 1, 4, 2), 2)],
    "PowBackward1": [lambda: positive() ** leaf(3)],
    "PreluKernelBackward0": [lambda: aten._prelu_kernel(cube(), leaf(1, 3, 1))],
    "ProdBackward1": [lambda: cube().prod(-1)],
    "ReflectionPad1DBackward0": [lambda: F.pad(cube(), (1, 1), "reflect")],
    "ReflectionPad2DBackward0": [lambda: F.pad(image(), (1, 1, 0, 1), "reflect")],
    "RepeatBackward0": [lambda: cube().repeat(1, 2, 1), lambda: leaf(3, 2).repeat(1, 2)],
    "ReplicationPad1DBackward0": [lambda: F.pad(cube(), (1, 1), "replicate")],
    "ReplicationPad2DBackward0": [lambda: F.pad(image(), (1, 1, 0, 1), "replicate")],
    "ReshapeAliasBackward0": [lambda: aten._reshape_alias(leaf(3, 4), (3, 2, 2), (4, 2, 1))],
    "RollBackward0": [lambda: cube().roll(1, -1), lambda: cube().roll((1, 2), (1, 2))],
    "RsubBackward0": [lambda: torch.rsub(cube(), leaf(3))],
    "SafeSoftmaxBackward0": [lambda: aten._safe_softmax(cube(), -1)],
    "ScaledDotProductFlashAttentionForCpuBackward0": [
        lambda: F.scaled_dot_product_attention(
            leaf(2, 2, 2, 2), leaf(2, 2, 3, 2), leaf(2, 2, 3, 2)
        ),
        lambda: F.scaled_dot_product_attention(*[leaf(2, 2, 2, 2)] * 3, is_causal=True),
    ],
    "SelectBackward0": [lambda: cube().select(-2, -1), lambda: cube()[:, :, 0]],
    "SliceBackward0": [lambda: cube()[:, -2:], lambda: cube()[:, :, ::2]],
    "SoftmaxBackward0": [lambda: cube().softmax(-1), lambda: cube().softmax(1)],
    "SortBackward0": [lambda: cube().sort(-1)[0]],
    "SplitBackward0": [lambda: cube().split(2, -1)[0], lambda: cube().chunk(3, 1)[2]],
    "SplitWithSizesBackward0": [lambda: cube().split([1, 2], -1)[1]],
    "SqueezeBackward0": [lambda: leaf(3, 1, 3, 1).squeeze()],
    "SqueezeBackward1": [lambda: leaf(3, 1, 3).squeeze(1)],
    "SqueezeBackward2": [lambda: leaf(3, 1, 3, 1).squeeze((1, -1))],
    "StackBackward0": [
        lambda: torch.stack([cube(), cube()], -1),
        lambda: torch.stack([cube()] * 3, 1),
    ],
    "StdBackward0": [lambda: cube().std(-1), lambda: cube().std((1, 2))],
    "SubBackward0": [lambda: cube() - leaf(3, 1), lambda: leaf(3) - cube()],
    "SumBackward1": [lambda: cube().sum(-1), lambda: cube().sum((1, 2), keepdim=True)],
    "TBackward0": [lambda: leaf(3, 3).t()],
    "TopkBackward0": [lambda: cube().topk(2, 1)[0]],
    "TransposeBackward0": [lambda: cube().transpose(-1, 1)],
    "TransposeBackward1": [lambda: cube().clone().transpose_(2, 1)],
    "UnbindBackward0": [lambda: cube().unbind(-1)[1]],
    "UnsafeSplitBackward0": [lambda: torch.unsafe_split(cube(), 2, -1)[0]],
    "UnsafeViewBackward0": [lambda: aten._unsafe_view(leaf(4, 3), (2, 6))],
    "UnsqueezeBackward0": [lambda: leaf(3, 3).unsqueeze(1)],
    "UpsampleBicubic2DBackward0": [lambda: F.interpolate(image(), size=3, mode="bicubic")],
    "UpsampleBilinear2DAaBackward0": [
        lambda: F.interpolate(image(), size=3, mode="bilinear", antialias=True)
    ],
    "UpsampleBilinear2DBackward0": [lambda: F.interpolate(image(), size=3, mode="bilinear")],
    "UpsampleLinear1DBackward0": [lambda: F.interpolate(cube(), size=4, mode="linear")],
    "UpsampleNearest1DBackward0": [lambda: F.interpolate(cube(), size=4)],
    "UpsampleNearest2DBackward0": [lambda: F.interpolate(image(), size=3)],
    "UpsampleNearest3DBackward0": [lambda: F.interpolate(volume(), size=(2, 1, 3))],
    "UpsampleTrilinear3DBackward0": [
        lambda: F.interpolate(volume(), size=(2, 1, 3), mode="trilinear")
    ],
    "VarBackward0": [lambda: cube().var(-1), lambda: cube().var((1, 2), keepdim=True)],
    "ViewBackward0": [lambda: leaf(3, 4).view(3, 2, 2), lambda: leaf(4, 3).flatten()],
    "WhereBackward0": [lambda: torch.where(torch.rand(3, 3, 3) > 0.5, cube(), leaf(3))],
}


def made(name: str) -> list[Tensor]:
    if name in OF_ONE_NUMBER:
        return [OF_ONE_NUMBER[name](positive())]
    return [make() for make in OTHERS[name]]


def in_front(tensor: Tensor) -> Place:
    return Place(1, len(tensor), tensor[0].numel())


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("name", sorted(RULES.keys() - ON_A_GPU))
def test_no_derivative_links_two_examples(name: str) -> None:
    """For every place of the examples in the output that the rule does not refuse."""
    for output in made(name):
        node: Any = output.grad_fn
        assert node.name() == name
        said = assert_true(node, output.output_nr)
        for position, claimed in said.items():
            assert in_front(output) in claimed, position


def test_each_rule_is_tried() -> None:
    assert set(RULES) == OF_ONE_NUMBER.keys() | OTHERS.keys() | ON_A_GPU
    assert set(RULES) > SEVERAL_OUTPUTS


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_no_derivative_links_two_examples_in_attention_on_a_gpu() -> None:
    parts = [torch.randn(3, 2, 8, 8, device="cuda").requires_grad_() for _ in "qkv"]
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.EFFICIENT_ATTENTION):
        output = F.scaled_dot_product_attention(*parts)
    node: Any = output.grad_fn
    assert node.name() in ON_A_GPU
    for position in range(3):
        assert claims(node, 0, position) == {Place(1, 3, 128): Place(1, 3, 128)}
    for example in range(3):
        others = [place for place in range(3) if place != example]
        for found in torch.autograd.grad(output[example].sum(), parts, retain_graph=True):
            assert not found[others].any()


ACROSS: dict[str, Callable[[], Tensor]] = {
    "batch norm": lambda: F.batch_norm(cube(), None, None, leaf(3), leaf(3), training=True),
    "batch norm of a table": lambda: F.batch_norm(leaf(3, 3), None, None, training=True),
    "softmax": lambda: cube().softmax(0),
    "log softmax": lambda: cube().log_softmax(-3),
    "cumsum": lambda: cube().cumsum(0),
    "flip": lambda: cube().flip(0),
    "flip of two axes": lambda: cube().flip(2, -3),
    "roll": lambda: cube().roll(1, 0),
    "roll of all numbers": lambda: cube().roll(1),
    "sort": lambda: cube().sort(dim=-3)[0],
    "a permutation": lambda: cube()[[2, 0, 1]],
    "a number of each": lambda: cube()[torch.arange(3), torch.arange(3)],
    "a mask": lambda: cube()[torch.tensor([True, False, True])],
    "index_select": lambda: cube().index_select(0, torch.tensor([2, 1, 0])),
    "gather": lambda: cube().gather(0, index(3, 3, 3)),
    "gather of fewer": lambda: cube().gather(1, index(2, 3, 3)),
    "cat": lambda: torch.cat([leaf(1, 3), leaf(2, 3)]),
    "stack": lambda: torch.stack([leaf(3), leaf(3), leaf(3)]),
    "layer norm": lambda: F.layer_norm(cube(), (3, 3, 3)),
    "glu": lambda: F.glu(leaf(6, 3), 0),
    "repeat": lambda: leaf(1, 3).repeat(3, 1),
    "slice": lambda: cube()[1:],
    "split": lambda: cube().split(2)[0],
    "pad": lambda: F.pad(leaf(3, 3), (0, 0, 1, 1)),
    "a sparse table": lambda: F.embedding(index(3, 3), leaf(3, 3), sparse=True),
    "a table scaled by frequency": lambda: F.embedding(
        index(3, 3), leaf(3, 3), scale_grad_by_freq=True
    ),
}


@pytest.mark.parametrize("name", ACROSS)
def test_what_acts_across_examples_is_refused(name: str) -> None:
    output = ACROSS[name]()
    node: Any = output.grad_fn
    assert node.name() in RULES
    assert in_front(output) not in claims(node, output.output_nr, 0)
    if "table scaled" not in name and "sparse" not in name:
        assert_true(node, output.output_nr)


def test_attention_acts_along_positions_and_channels() -> None:
    output = F.scaled_dot_product_attention(*[leaf(2, 2, 2, 2)] * 3)
    assert set(claims(output.grad_fn, 0, 1)) == {Place(1, 2, 8)}


def test_both_factors_of_a_product_with_examples() -> None:
    """The second is summed over them: it has to be a parameter, which the walk finds out."""
    x = leaf(3, 3)
    node: Any = (x @ x.T).grad_fn
    assert claims(node, 0, 0)[Place(1, 3, 3)] == Place(1, 3, 3)
    assert claims(node, 0, 1)[Place(1, 3, 3)] is None
    assert claims(node, 0, 1)[Place(3, 3, 1)] == Place(3, 3, 1)
    assert claims(node, 0, 0)[Place(3, 3, 1)] is None


def test_positions_before_the_examples_and_merged_with_them() -> None:
    """`[positions, B, width]`, and `[positions * B, width]`, are as good as the examples first."""
    for output in (leaf(2, 3, 4) * leaf(4), (leaf(2, 3, 4) + 0).view(6, 4) * leaf(4)):
        assert claims(output.grad_fn, 0, 0)[Place(2, 3, 4)] == Place(2, 3, 4)
        assert claims(output.grad_fn, 0, 1)[Place(2, 3, 4)] is None
    product = leaf(6, 4) @ leaf(4, 5)
    assert claims(product.grad_fn, 0, 0)[Place(2, 3, 5)] == Place(2, 3, 4)
    assert claims(product.grad_fn, 0, 0)[Place(1, 3, 10)] == Place(1, 3, 8)


def test_examples_over_two_axes_are_not_told_apart() -> None:
    output = leaf(2, 2, 3).softmax(-1)
    assert Place(1, 4, 3) not in claims(output.grad_fn, 0, 0)
    assert Place(1, 4, 3) in claims((leaf(2, 2, 3) + 1).grad_fn, 0, 0)


def test_batch_norm_of_the_channels_of_each_example() -> None:
    """Which is how InstanceNorm is computed."""
    output = F.instance_norm(leaf(2, 3, 4))
    node: Any = output.grad_fn
    node = node.next_functions[0][0]
    assert node.name() == "NativeBatchNormBackward0" and node._saved_training
    assert claims(node, 0, 0)[Place(1, 2, 12)] == Place(1, 2, 12)
    assert_true(node)
