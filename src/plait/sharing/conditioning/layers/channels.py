"""Classes of layers that can be conditioned, and the axes of their channels."""

from __future__ import annotations

from torch import nn

LayerTypes = tuple[type[nn.Module], ...]
BATCH_NORMS: LayerTypes = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
INSTANCE_NORMS: LayerTypes = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
STATISTICS: LayerTypes = (*BATCH_NORMS, *INSTANCE_NORMS)  # layers that may keep running statistics
NORMS: LayerTypes = (*STATISTICS, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
CONVOLUTIONS: LayerTypes = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
MAPS: LayerTypes = (nn.Linear, *CONVOLUTIONS)


def channels_of(layer: nn.Module) -> tuple[tuple[int, ...], bool]:
    """Returns the shape of a layer's channels, and whether they are the last axes (or axis 1)."""
    if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        return tuple(layer.normalized_shape), True
    if isinstance(layer, nn.Linear):
        return (layer.out_features,), True
    names = ("num_features", "num_channels", "out_channels")
    size = next(vars(layer)[name] for name in names if name in vars(layer))
    return (int(size),), False


def keeps_its_axes(layer: nn.Module) -> bool:
    """Returns whether the channels are where `channels_of` says.

    A layer normalisation with a forward of its own may move them first, as some do for images.
    """
    own = (nn.LayerNorm.forward, nn.RMSNorm.forward)
    return not isinstance(layer, nn.LayerNorm | nn.RMSNorm) or type(layer).forward in own
