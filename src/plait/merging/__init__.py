"""Networks of one start, trained on one task each, become one network without any training."""

from plait.merging.average import average
from plait.merging.iso_c import iso_c
from plait.merging.task_arithmetic import task_arithmetic
from plait.merging.ties import ties

__all__ = ["average", "iso_c", "task_arithmetic", "ties"]
