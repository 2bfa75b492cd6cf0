"""The ready-made lists: each member is what it says."""

import pytest

from plait.experiments import FAMILIES, JOINT, Member, merge, validate, with_defaults
from plait.experiments.config import RunConfig
from tests.experiments.tiny import TINY


def configured(member: Member) -> RunConfig:
    settings = with_defaults({"recipe": TINY, "sharing": "MMoE", "epochs": 3})
    return validate(merge(settings, member.settings))


def test_the_lone_member_has_the_settings_of_the_comparison() -> None:
    (member,) = JOINT
    assert not member.settings
    assert configured(member).sharing.name == "MMoE"


def test_each_family_has_a_member_of_its_own() -> None:
    shared, tied, connected = map(configured, FAMILIES)
    assert shared.sharing.name == "Hard"
    assert tied.sharing.name == connected.sharing.name == "Separate"
    assert shared.regularization is shared.connections is None
    assert tied.connections is connected.regularization is None
    assert tied.regularization.options["strength"] > 0
    assert connected.connections.name == "CrossStitch"
    assert {each.epochs for each in (shared, tied, connected)} == {3}


@pytest.mark.parametrize("members", [JOINT, FAMILIES])
def test_names_are_folders_and_titles_say_more(members: tuple[Member, ...]) -> None:
    names = [member.name for member in members]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert all(member.title for member in members)
