"""Family 1: which parameters the tasks share."""

from plait.sharing.ada_share import AdaShare
from plait.sharing.adatt import AdaTT
from plait.sharing.base import Sharing
from plait.sharing.cgc import CGC
from plait.sharing.conditioned import Conditioned
from plait.sharing.dselect_k import DSelectK
from plait.sharing.hard import Hard
from plait.sharing.learning_to_branch import LearningToBranch
from plait.sharing.mmoe import MMoE
from plait.sharing.mtan import MTAN
from plait.sharing.omoe import OMoE
from plait.sharing.pa_lora import PaLoRA
from plait.sharing.ple import PLE
from plait.sharing.separate import Separate
from plait.sharing.shared_private import SharedPrivate

__all__ = [
    "CGC",
    "MTAN",
    "PLE",
    "AdaShare",
    "AdaTT",
    "Conditioned",
    "DSelectK",
    "Hard",
    "LearningToBranch",
    "MMoE",
    "OMoE",
    "PaLoRA",
    "Separate",
    "SharedPrivate",
    "Sharing",
]
