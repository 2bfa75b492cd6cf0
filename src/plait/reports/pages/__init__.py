"""The pages: what goes into which template."""

__all__: list[str] = []
