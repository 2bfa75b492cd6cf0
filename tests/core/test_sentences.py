import pytest

from plait.core.sentences import listed


@pytest.mark.parametrize(
    ("count", "most", "text"),
    [
        (0, None, ""),
        (1, None, "t0"),
        (2, None, "t0 and t1"),
        (4, None, "t0, t1, t2 and t3"),
        (4, 4, "t0, t1, t2 and t3"),
        (4, 3, "t0, t1, t2 and 1 more"),
        (4, 1, "t0 and 3 more"),
        (0, 2, ""),
    ],
)
def test_of_many_names_the_first_are_listed(count: int, most: int | None, text: str) -> None:
    assert listed([f"t{i}" for i in range(count)], most) == text
