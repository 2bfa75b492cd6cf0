"""plait trains one network for several tasks, and says honestly whether it helped.

Everything loads on first use: ``import plait`` alone loads neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    import plait.api
    import plait.balancing
    import plait.connections
    import plait.core
    import plait.data
    import plait.distributed
    import plait.encoders
    import plait.engine
    import plait.evaluation
    import plait.experiments
    import plait.gradients
    import plait.merging
    import plait.model
    import plait.networks
    import plait.recipes
    import plait.regularization
    import plait.relations
    import plait.runs
    import plait.sharing
    import plait.tasks
    import plait.training  # noqa: F401 # `plait.sharing.Hard` after `import plait`, for editors
    from plait.api.fit import fit
    from plait.api.run import Run, load
    from plait.core.batch import Batch
    from plait.core.structure import Masked, PerTask
    from plait.engine.engine import Backward
    from plait.engine.one_line import backward
    from plait.experiments.diagnosis.diagnose import diagnose
    from plait.model.model import MultiTaskModel
    from plait.training.groups import parameter_groups
    from plait.training.joined.joining import join_heads
    from plait.training.loop_log import Log
    from plait.training.trainer import Trainer

__version__ = "0.1.0"

__all__ = [
    "Backward",
    "Batch",
    "Log",
    "Masked",
    "MultiTaskModel",
    "PerTask",
    "Run",
    "Trainer",
    "backward",
    "diagnose",
    "fit",
    "join_heads",
    "load",
    "parameter_groups",
]

lazy(__name__)
