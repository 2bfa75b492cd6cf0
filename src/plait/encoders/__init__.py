"""Staged encoders, and the adapters that make any module one."""

from plait.encoders.conv_encoder import ConvEncoder
from plait.encoders.copies import copy_of, instance
from plait.encoders.shapes import infer_shape
from plait.encoders.staged import as_staged, channel_dim_of, encode, stages_of

__all__ = [
    "ConvEncoder",
    "as_staged",
    "channel_dim_of",
    "copy_of",
    "encode",
    "infer_shape",
    "instance",
    "stages_of",
]
