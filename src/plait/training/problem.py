"""Placeholder."""

from typing import Any


class ModelProblem:
    """Placeholder."""

    def __init__(self, *args: Any) -> None: ...
