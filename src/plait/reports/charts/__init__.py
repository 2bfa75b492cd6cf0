"""The charts: what each shows of a run, how to read it, and how to get data that are missing."""

__all__: list[str] = []
