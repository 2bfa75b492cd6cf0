"""Staged encoders, and the adapters that make any module one."""

from plait.encoders.blocks import block_shapes, blocks_of
from plait.encoders.conv_encoder import ConvEncoder
from plait.encoders.copies import Copies, EncoderLike, copy_of, instance
from plait.encoders.mlp_encoder import MLPEncoder
from plait.encoders.residual_encoder import ResidualEncoder
from plait.encoders.shapes import body_shapes, infer_shape, shape_of_run
from plait.encoders.shortcuts import Unit, blocks_that_keep_shape, shortcut_of, units_of
from plait.encoders.split import ends_of_blocks, halves, owns_parameters, run_shifted
from plait.encoders.staged import (
    Stage,
    as_staged,
    channel_dim_of,
    encode,
    grid_of,
    one_tensor,
    run_all,
    run_stage,
    stages_of,
    unmasked,
)

__all__ = [
    "ConvEncoder",
    "Copies",
    "EncoderLike",
    "MLPEncoder",
    "ResidualEncoder",
    "Stage",
    "Unit",
    "as_staged",
    "block_shapes",
    "blocks_of",
    "blocks_that_keep_shape",
    "body_shapes",
    "channel_dim_of",
    "copy_of",
    "encode",
    "ends_of_blocks",
    "grid_of",
    "halves",
    "infer_shape",
    "instance",
    "one_tensor",
    "owns_parameters",
    "run_all",
    "run_shifted",
    "run_stage",
    "shape_of_run",
    "shortcut_of",
    "stages_of",
    "units_of",
    "unmasked",
]
