"""What passes along an edge: fitted to its reader, or read by its kind."""

__all__: list[str] = []
