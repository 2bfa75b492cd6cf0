"""Experts: copies of the encoder, and the gates that weigh them."""

__all__: list[str] = []
