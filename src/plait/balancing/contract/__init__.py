"""The contract between a method and its caller: facts of a step, checks, declared needs."""

__all__: list[str] = []
