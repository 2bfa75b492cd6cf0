"""The layers of a conditioned trunk, and what a task adds to each."""

__all__: list[str] = []
