"""Networks run stage by stage: side by side, and with attention."""

__all__: list[str] = []
