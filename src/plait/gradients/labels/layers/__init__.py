"""The parameters that one node uses, and what each label adds to their gradients."""

__all__: list[str] = []
