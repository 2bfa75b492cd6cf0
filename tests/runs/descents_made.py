"""Descents that were made up, for tests of what reads them."""

from plait.runs.descents import Descent, Descents, MethodDescents


def descent(distance: float, reached: int = -1) -> Descent:
    points = [[-8.5, 7.5], [-4.0, 0.5], [0.0, -8.4 + distance]]
    return Descent(
        points=points, losses=[-1.5, -15.1], steps=100, reached=reached, distance=distance
    )


def descents() -> Descents:
    return Descents(
        title="Two losses",
        note="At most 100 steps.",
        sources=["A paper, 2021"],
        scale=0.1,
        steps=100,
        tolerance=0.1,
        front=[[-7.0, -8.4], [7.0, -8.4]],
        methods=[
            MethodDescents(name="Stuck", descents=[descent(0.02, 50), descent(9.0)]),
            MethodDescents(
                name="Good", descents=[descent(0.1, 70), descent(0.0, 90)], raised=True, seconds=2.0
            ),
            MethodDescents(name="Other", refused="reads <two> batches"),
        ],
    )
