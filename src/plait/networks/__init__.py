"""Any network, whoever wrote it: its stages, shapes, copies, grids and matched parameters."""

from plait.networks.as_staged import as_staged
from plait.networks.blocks import block_shapes, blocks_of
from plait.networks.copies import Copies, EncoderLike, copy_of, instance
from plait.networks.dtypes import (
    common_precision,
    explain_unreadable,
    in_precision_of,
    refuse_arrays,
)
from plait.networks.halves import ends_of_blocks, halves, owns_parameters, run_shifted
from plait.networks.shapes import body_shapes, infer_shape, shape_of_run
from plait.networks.shortcuts import Unit, blocks_that_keep_shape, shortcut_of, units_of
from plait.networks.stages import (
    Stage,
    channel_dim_of,
    encode,
    grid_of,
    is_chain,
    one_tensor,
    reads_codes,
    remaining,
    run_all,
    run_stage,
    stages_of,
    unmasked,
)
from plait.networks.weighted import weighted_sum

__all__ = [
    "Copies",
    "EncoderLike",
    "Stage",
    "Unit",
    "as_staged",
    "block_shapes",
    "blocks_of",
    "blocks_that_keep_shape",
    "body_shapes",
    "channel_dim_of",
    "common_precision",
    "copy_of",
    "encode",
    "ends_of_blocks",
    "explain_unreadable",
    "grid_of",
    "halves",
    "in_precision_of",
    "infer_shape",
    "instance",
    "is_chain",
    "one_tensor",
    "owns_parameters",
    "reads_codes",
    "refuse_arrays",
    "remaining",
    "run_all",
    "run_shifted",
    "run_stage",
    "shape_of_run",
    "shortcut_of",
    "stages_of",
    "units_of",
    "unmasked",
    "weighted_sum",
]
