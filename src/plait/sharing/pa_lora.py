"""One trunk that any preference between the tasks blends low-rank updates into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from torch import nn

from plait.core.errors import ConfigError
from plait.core.outputs import TaskFeatures
from plait.networks import EncoderLike, encode
from plait.sharing.conditioned import Conditioned
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.blended import BlendBeside, BlendInside
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed
from plait.sharing.conditioning.layers.units import Update
from plait.sharing.conditioning.lora import LoRA, matrices_of
from plait.sharing.preference.shares import Preference
from plait.sharing.preference.slider import Slider


class PaLoRA(Conditioned):
    """One network for any preference between the tasks, which is chosen after the training.

        z = f(x; W + (alpha / rank) sum_t lambda_t B_t A_t),    y_t = h_t(z),
        min E_lambda sum_t lambda_t L_t

    with a preference lambda (at least 0, of sum 1) that is drawn for each step, from a Dirichlet
    distribution, and sharpened as the training goes on; W, which all tasks share; and task t's
    update B_t A_t of low rank, of each linear, convolutional and attention layer, as in `LoRA`. In
    evaluation, and so in reports, for the best epoch and in a comparison, all tasks are preferred
    equally, until a preference is given:

        plait predict runs/wine new.csv --preference quality=3
        run.predict(frame, preference={"quality": 3})
        with model.sharing.preferring({"quality": 3}): evaluate(model, batches)

    It is `{task: number}`, at least 0, in multiples of equal weighting: 1 for tasks that are not
    named. So 3 between two tasks is lambda = (3/4, 1/4).

    Args:
        encoder: any module, or a factory of one. It is copied, not used itself.
        rank: of a task's update, at least 1; 4 by default, as the authors have it for networks
            larger than a LeNet.
        alpha: the updates are scaled by alpha / rank; by default `rank`, for a scale of 1.
        scope: a pattern of names of layers, such as ``"stages.2.*"``; all by default.
        frozen: whether W stays as it is, running statistics included; the updates learn.
        concentration: of the Dirichlet distribution, above 0; 1 draws all preferences alike, as
            the authors do, a small one single tasks, a large one nearly equal preferences.
        annealing: at least 0; the shares that are drawn are raised to the power of annealing x
            progress, and divided by their sum, so that the training begins with equal preferences
            and ends near single tasks; 5 as in the authors' configuration. None takes what is
            drawn throughout, which leaves the ends of the front less trained than its middle.
        update_lr_scale: factor of the updates' learning rate, above 0; 1 by default, for Adam,
            whose steps do not have the factor lambda_t of the updates' gradients. With SGD, give
            the number of tasks, as the authors have it.

    Raises:
        ConfigError: an option outside its range; in `setup`, a `scope` without such a layer.

    Example:
        >>> import torch
        >>> sharing = PaLoRA(nn.Linear(5, 4), rank=2)
        >>> sharing.setup(["a", "b"], torch.zeros(2, 5))
        >>> sum(parameter.numel() for parameter in sharing.parameters())  # 24 + 2 x 2 x (5 + 4)
        60
        >>> with sharing.eval().preferring({"a": 1, "b": 0}):  # W + B_a A_a
        ...     features = sharing(torch.ones(2, 5))

    Differs: the authors' schedule is deterministic, several evenly spaced preferences in each step
        for two or three tasks, sharpened by `annealing`; here one is drawn. Their heads have
        updates too. In a loop of your own, call `model.set_progress(share)` before each step,
        which draws; or else the preference stays equal. A balancer reads lambda_t L_t, and one that
        does not see the scale of a loss is refused.

    Cost: one pass of the encoder, with layers of a rank that is larger by T x `rank`; T x `rank` x
        (rows + columns of W) parameters for each layer.

    Reference: Dimitriadis, Frossard, Fleuret, "Pareto Low-Rank Adapters: Efficient Multi-Task
        Learning with Preferences", ICLR 2025.
    """

    keys_are_private: ClassVar[bool] = False  # all tasks read the updates of all
    serves_preferences: ClassVar[bool] = True

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        rank: int = 4,
        alpha: float | None = None,
        scope: str = "*",
        frozen: bool = False,
        concentration: float = 1.0,
        annealing: float | None = 5.0,
        update_lr_scale: float = 1.0,
    ) -> None:
        super().__init__(encoder, by=_Blended(rank=rank, alpha=alpha), scope=scope, frozen=frozen)
        for name, value in (("concentration", concentration), ("update_lr_scale", update_lr_scale)):
            if not value > 0:
                raise ConfigError(f"`{name}` must be above 0; found {value!r}.")
        if annealing is not None and not annealing >= 0:
            raise ConfigError(f"`annealing` must be at least 0, or None; found {annealing!r}.")
        self.rank = rank
        self.alpha = alpha
        self.concentration = concentration
        self.annealing = annealing
        self.update_lr_scale = update_lr_scale
        self.slider = Slider(())

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Adds the updates, and finds the shapes of the features."""
        self.slider = Slider(tasks, self.concentration, self.annealing)
        super().setup(tasks, example, seed)
        for update in self.trunk.modules():
            if isinstance(update, Update):
                update.lr_scale = self.update_lr_scale

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Runs the trunk once, with the updates by their shares in the preference."""
        with self._passing(tasks[0]):
            features = encode(self.trunk, inputs)
        return TaskFeatures(dict.fromkeys(tasks, features))

    def factors(self) -> dict[str, float]:
        """Returns `{task: lambda_t}` of the step; empty in eval mode, where losses are plain."""
        return self.slider.factors()

    def preferring(self, preference: Preference | None) -> AbstractContextManager[None]:
        """Chooses the preference of eval mode for a while; see `Sharing.preferring`."""
        return nullcontext() if preference is None else self.slider.at(preference)

    def _passing(self, task: str) -> AbstractContextManager[None]:
        """Makes what runs inside a pass for all tasks at once."""
        return self._active.blending(self.slider())


class _Blended(LoRA):
    """Adds the updates of all tasks to a layer, by their shares."""

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer with the updates beside it, or in its weights."""
        if isinstance(base, nn.Linear):
            return BlendBeside(base, units, active)
        return BlendInside(base, units, active, matrices_of(base))
