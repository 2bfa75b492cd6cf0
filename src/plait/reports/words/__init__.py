"""What a reader is told in words: numbers, verdicts, warnings."""

__all__: list[str] = []
