"""What a method remembers from step to step, by task."""

__all__: list[str] = []
