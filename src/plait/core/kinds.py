"""The meaning of the numbers in a prediction, for connections that read another task's."""

from __future__ import annotations

from typing import Literal, NamedTuple

Meaning = Literal["classes", "labels", "numbers", "other"]


class Kind(NamedTuple):
    """Tells how to read the numbers of a task's prediction.

    Attributes:
        of: "classes" (logits of one class out of several), "labels" (one logit for each yes or no),
            "numbers" (values in the labels' unit) or "other" (only the task can read them).
        axis: the axis of the classes, labels or numbers in a batched prediction, 1 or -1.
    """

    of: Meaning = "other"
    axis: int = 1

    def size(self, shape: tuple[int, ...]) -> int:
        """Returns the number of classes, labels or numbers of a prediction.

        Args:
            shape: of the prediction, without the batch axis.

        Example:
            >>> Kind("classes").size((5, 8, 8)), Kind("classes", -1).size((7, 5)), Kind().size(())
            (5, 5, 1)
        """
        return shape[-1 if self.axis == -1 else 0] if shape else 1
