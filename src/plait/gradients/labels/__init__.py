"""Per-task gradients split by example, where each example has few labels."""

__all__: list[str] = []
