"""What a connection is told of the model."""

from plait.connections import Wiring
from tests.connections.columns import TASKS, mlp, model_of
from tests.connections.plain import Plain


def test_shapes_are_those_of_what_is_wired() -> None:
    """What a stage connection is told of one network."""
    seen: list[Wiring] = []

    class Listens(Plain):
        def setup(self, wiring: Wiring) -> None:
            super().setup(wiring)
            seen.append(wiring)

    model_of(Listens())
    (found,) = seen
    assert found.tasks == TASKS
    assert found.ends == dict.fromkeys(TASKS, (1, 3))
    assert found.bodies["a"].levels == ((6,),) * 4
    assert found.shapes["a"].levels == ((6,),) * 4
    assert type(found.networks["a"]) is type(mlp())
