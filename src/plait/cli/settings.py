"""From the words of a command to settings that are checked as far as that needs no torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def read_settings(
    words: Sequence[str], config: Path | None = None, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Returns the settings of a command: those of a file, then those given, then its words.

    Args:
        words: `key=value`.
        config: a YAML file of settings.
        given: what the command's own arguments set.

    Raises:
        ConfigError: a file that is missing or no YAML, a word without `=`, an unknown key, or a
            value that it cannot have.
    """
    from plait.experiments.config import check_early
    from plait.experiments.overrides import merge, parse, read_yaml

    settings = read_yaml(config) if config else {}
    settings = merge(merge(settings, given or {}), parse(words))
    check_early(settings)
    return settings


def announce(text: str) -> None:
    """Says on stderr what a command is about to do, before torch is loaded."""
    print(f"plait: {text}", file=sys.stderr, flush=True)
