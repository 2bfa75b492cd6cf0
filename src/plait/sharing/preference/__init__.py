"""The preference at which one network serves all tasks: given by a user, or drawn in training."""

__all__: list[str] = []
