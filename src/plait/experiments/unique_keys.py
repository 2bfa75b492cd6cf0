"""YAML in which no key stands twice, of which the first would have no effect."""

from __future__ import annotations

from typing import Any

import yaml


class UniqueKeys(yaml.SafeLoader):
    """Reads YAML as `yaml.safe_load` does, but for keys that a mapping has twice: an error."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Composes a mapping.

        Raises:
            yaml.YAMLError: a key is there twice; it says in which line.
        """
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            word = key.value if isinstance(key, yaml.ScalarNode) else None
            if word is not None and word in seen:
                raise yaml.YAMLError(
                    f"line {key.start_mark.line + 1} has the key {word!r} a second time. Rename "
                    "one of the two, or delete it."
                )
            seen.add(word)
        return node
