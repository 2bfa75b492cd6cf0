"""The words of a page: numbers, verdicts, warnings."""

__all__: list[str] = []
