"""The edges of the graph of the tasks, and how much each of them counts."""

__all__: list[str] = []
