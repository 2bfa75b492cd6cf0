"""Memory of a method across steps, keyed by task."""

__all__: list[str] = []
