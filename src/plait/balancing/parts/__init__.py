"""What methods are made of: state by task, draws, preferences, wrappers, and the like."""

from plait.balancing.parts.adam import TaskAdam
from plait.balancing.parts.preference import PreferenceBalancer
from plait.balancing.parts.random import RandomBalancer
from plait.balancing.parts.state import TaskState

__all__ = ["PreferenceBalancer", "RandomBalancer", "TaskAdam", "TaskState"]
