"""Dropout whose share is checked."""

from __future__ import annotations

from torch import nn

from plait.core.errors import ConfigError


def dropout_of(share: float) -> nn.Dropout:
    """Makes a layer that leaves out a share of its units in training.

    Raises:
        ConfigError: the share is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise ConfigError(f"`dropout` must be at least 0 and below 1; found {share}.")
    return nn.Dropout(share)
