"""Staged encoders, and `as_staged`, which makes any module one."""

from plait.encoders.audio_encoder import AudioEncoder
from plait.encoders.conv_encoder import ConvEncoder
from plait.encoders.fused import Fused
from plait.encoders.le_net import LeNet
from plait.encoders.mlp_encoder import MLPEncoder
from plait.encoders.residual_encoder import ResidualEncoder
from plait.encoders.stems import Stems
from plait.encoders.tabular_encoder import TabularEncoder
from plait.encoders.tabular_mlp import TabularMLP
from plait.encoders.text_encoder import TextEncoder
from plait.encoders.timm_encoder import TimmEncoder
from plait.encoders.transformers_encoder import TransformersEncoder
from plait.networks import as_staged

__all__ = [
    "AudioEncoder",
    "ConvEncoder",
    "Fused",
    "LeNet",
    "MLPEncoder",
    "ResidualEncoder",
    "Stems",
    "TabularEncoder",
    "TabularMLP",
    "TextEncoder",
    "TimmEncoder",
    "TransformersEncoder",
    "as_staged",
]
