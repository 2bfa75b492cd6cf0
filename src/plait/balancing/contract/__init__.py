"""What a method is told, what it refuses, and what it declares of itself."""

__all__: list[str] = []
