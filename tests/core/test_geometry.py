from typing import get_args

from plait.core.geometry import Geometry


def test_every_geometry_is_named_once() -> None:
    names = get_args(Geometry)
    assert len(names) == len(set(names))
    assert {"class", "mask", "point", "box", "numbers", "tags", "other"} <= set(names)
