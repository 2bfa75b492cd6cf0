"""Members by the names of their methods, or from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError, unknown
from plait.core.families import FAMILIES
from plait.core.lookup import listed
from plait.experiments.comparison.member import PLAIN, SINGLE, Member
from plait.experiments.config import RunConfig, check_early, is_file_of_settings
from plait.experiments.overrides import merge, parse, read_yaml

FAMILIES_OF_MEMBERS = ("balancing", "sharing", "connections", "regularization")
ABOUT = ("title", "formula", "settings")


def members_of(words: Sequence[str]) -> list[Member]:
    """Returns the members that words name.

    Args:
        words: each a method, such as ``UPGrad``, or several that go together, ``MMoE+UPGrad``, also
            with options, ``MMoE:experts=8``; or a file of members, ``members.yaml``.

    Raises:
        ConfigError: an unknown method, two of one family, two members of one name, or one that has
            the name of the separate networks.
    """
    found: list[Member] = []
    for word in words:
        found += read_members(Path(word)) if is_file_of_settings(word) else [member_of(word)]
    names = [member.name for member in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two members are named {name!r}. Name one of them otherwise.")
        if name == SINGLE.name:
            raise ConfigError(
                f"a member is named {name!r}, as the separate networks are, which are always in "
                "the table. Name it otherwise."
            )
    return found


def read_members(path: Path) -> list[Member]:
    """Reads a file of members, `{name: settings}`, or `{name: {title:, formula:, settings:}}`.

    A name alone, without settings, is a word as for `members_of`.

    Raises:
        ConfigError: the file is missing or no YAML; a member without settings that is no method, or
            with unknown ones.
    """
    found = []
    for name, value in read_yaml(path).items():
        if value is None:
            found.append(member_of(name))
            continue
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{path}: member {name!r} must have settings, `key: value`; found {value!r}."
            )
        whole = isinstance(value.get("settings"), Mapping) and value.keys() <= {*ABOUT}
        about = value if whole else {"settings": value}
        settings = dotted(about["settings"])
        check_early(settings)
        title = str(about.get("title", name))
        found.append(Member(name, title, str(about.get("formula", "")), settings))
    if not found:
        raise ConfigError(f"{path} names no member. Write `name: {{sharing: MMoE}}`, one a line.")
    return found


def told_whole(member: Member, config: RunConfig) -> Member:
    """Returns a member whose title also has the methods that it takes from the comparison.

    As "MMoE + UPGrad", where the member is MMoE and the settings of the comparison have UPGrad.
    """
    settings = config.described()
    taken = [
        each["class"]
        for family in FAMILIES_OF_MEMBERS
        if family not in member.settings
        for each in _listed(settings[family])
        if each["class"] != PLAIN[family]
    ]
    return replace(member, title=" + ".join([member.title, *taken]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def dotted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings in which keys with points, such as `optimizer.lr`, are taken apart.

    Example:
        >>> dotted({"balancing": "CAGrad", "balancing.c": 0.4})
        {'balancing': {'class': 'CAGrad', 'c': 0.4}}
    """
    found: dict[str, Any] = {key: value for key, value in settings.items() if "." not in key}
    for key, value in settings.items():
        if "." in key:
            nested: Any = value
            for part in reversed(key.split(".")):
                nested = {part: nested}
            found = merge(found, nested)
    return found


def member_of(word: str) -> Member:
    """Returns the member that a word names, such as ``MMoE``, ``MMoE+UPGrad`` or ``CAGrad:c=0.4``.

    What the word does not name is that of the comparison; regularization and connections go over
    `Separate`, unless a sharing is named too.

    Raises:
        ConfigError: an unknown method, or two of one family.
    """
    settings: dict[str, Any] = {}
    titles, names = [], []
    for part in word.split("+"):
        method, _, options = part.partition(":")
        family, name = _found(method)
        if family in settings:
            raise ConfigError(f"member {word!r} names two of {family}. Name one.")
        settings |= {family: name}
        own = [f"{family}.{each}" for each in options.split(",") if each]
        settings = merge(settings, parse([f"{family}={name}", *own]))
        titles.append(name)
        names.append(name.lower() + "".join(f"-{each}" for each in options.split(",") if each))
    if {"connections", "regularization"} & settings.keys():
        settings = {"sharing": "Separate", **settings}
    name = "-".join(names).replace("=", "-").replace("/", "-")
    return Member(name, " + ".join(titles), settings=settings)


def _found(method: str) -> tuple[str, str]:
    """Returns the family and the name of a method, as the code has them."""
    known = {name: family for family in FAMILIES_OF_MEMBERS for name in listed(FAMILIES[family])}
    for name, family in known.items():
        if method.lower().replace("-", "").replace("_", "") == name.lower():
            return family, name
    raise ConfigError(unknown("method", method, known))
