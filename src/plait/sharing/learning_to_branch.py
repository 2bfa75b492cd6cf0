"""A tree of modules, grown by a search over who reads whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from plait.core.errors import ConfigError, UnsupportedError
from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.outputs import TaskFeatures
from plait.core.structure import Pass, input_of
from plait.core.watched import Watched
from plait.networks import (
    Copies,
    EncoderLike,
    block_shapes,
    blocks_of,
    channel_dim_of,
    copy_of,
    grid_of,
    one_tensor,
    remaining,
    unmasked,
)
from plait.sharing.base import JointSharing
from plait.sharing.search.gumbel import Search
from plait.sharing.search.routes import Block, Routes, Row, check_routes, followed, mixed


class LearningToBranch(JointSharing):
    """Learning to branch: tasks share lower modules as far as a search finds that they should.

        x_(l,i) = sum_j d^l_ij h_(l-1,j),    h_(l,i) = f_(l,i)(x_(l,i)),
        d^l_i ~ GumbelSoftmax(theta^l_i, temperature)

    with f_(l,i) the i-th of M copies of block l of the encoder, which differ from the start, and
    d^l_i the weights with which it reads the level below (drawn anew in each step, for all examples
    at once); those of the first level read the input. In evaluation each module reads the one with
    the largest theta, without chance, and what no task reads is not run: that is a tree (a forest,
    if the tasks part at the first level). A block is a stage with parameters and those without that
    follow it.

    Search, take ``searched()``, and train its tree anew: ``LearningToBranch(encoder, **searched)``.

    Args:
        encoder: any module, or a factory of one. It is copied and not used itself.
        branches: M, at least 1. By default one per task, and task t reads module t of the last
            level, as in the authors' tree; with a number, the tasks choose among its M modules too.
        routes: the tree to build in place of a search: for each level after the first, what each
            of its modules reads, ``[[0, 0, 1], ...]``, and last of all the module of each task.
            Only modules on the path of a task are built. None searches. With routes the options of
            the search are not read, so that its configuration can be trained anew as it is.
        copies: "reset" draws new weights for each copy; with "clone", which keeps the weights of
            a trained encoder, only the noise of the search tells the copies apart.
        warmup: share of the training in which all weights are 1 / M, 0 <= warmup < 1; ours.
        temperature: at the begin of the search. It falls with the square root of the time, as in
            LibMTL, 10 / sqrt(epoch + 1); the defaults are its values for 200 epochs.
        final_temperature: at the end of the training.

    Shapes:
        level l of a task has the shape of block l's output. In training it is the mean of the
        level's modules by how much of each the task reads.

    Raises:
        ConfigError: an option outside its range, or routes that fit no tree.
        UnsupportedError: the encoder has one block only, so that nothing can be searched.

    Differs: routes and weights learn from the same batches with one optimizer, the routes at 10
        times the rate and without weight decay; there is no alternation between two parts of the
        data. Evaluation draws nothing, and leaves modules alone that no task reads (LibMTL samples
        there, and runs them all); its warm-up takes the mean of the modules, not their sum.

    Cost: in the search M passes of the encoder, and M times its memory; in evaluation, and with
        given routes, each module on a path once. With `PerTask` inputs, that for each task.
        Evaluation during the search copies the routes to the host.

    Reference: Guo, Lee, Ulbricht, "Learning to Branch for Multi-Task Learning", ICML 2020.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        branches: int | None = None,
        routes: Sequence[Sequence[int]] | None = None,
        copies: Copies = "reset",
        warmup: float = 0.1,
        temperature: float = 10.0,
        final_temperature: float = 0.7,
    ) -> None:
        super().__init__()
        if branches is not None and (not isinstance(branches, int) or branches < 1):
            raise ConfigError(
                f"`branches` must be a whole number of at least 1; found {branches!r}. Leave it "
                "out for one per task."
            )
        self.branches = branches
        self.routes = routes
        self.copies = copies
        self.warmup = warmup
        self.temperature = temperature
        self.final_temperature = final_temperature
        self.search = Search(warmup, temperature, final_temperature)
        self.blocks = nn.ModuleList()  # by level, `{index: Block}`
        self.choices = nn.ModuleList()  # by level after the first; of the tasks last
        self._source = [encoder]
        self._prototype: list[nn.Module] = []  # in a list: without memory, and no part of this one

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the copies and the routes.

        Raises:
            ConfigError: it was set up before, or the routes fit no tree.
            UnsupportedError: there is nothing to search.
        """
        source = self._take_source()
        first = copy_of(source, "clone", seed)
        depth, count = len(blocks_of(first)), self.branches or len(tasks)
        if self.routes is not None:
            check_routes(self.routes, depth, tasks)
        elif depth == 1 and self.branches is None and len(tasks) > 1:
            raise UnsupportedError(
                f"{type(first).__name__} is one block, so the tasks have nothing to branch from. "
                "Give an encoder with stages (`as_staged` names them), or say how many `branches` "
                "the tasks choose from."
            )
        self.tasks = tuple(tasks)
        self.shapes = {task: block_shapes(first, input_of(task, example)) for task in tasks}
        self.channel_dim = channel_dim_of(first)
        kept = self._on_a_path(depth) if self.routes is not None else [set(range(count))] * depth
        self.blocks = nn.ModuleList(nn.ModuleDict() for _ in range(depth))
        for index in sorted(set().union(*kept)):
            stages = blocks_of(copy_of(source, self.copies, seed, "branch", index))
            for level, levels in enumerate(self.blocks):
                if index in kept[level]:
                    assert isinstance(levels, nn.ModuleDict)
                    levels[str(index)] = Block(stages[level])
        if self.routes is None and count > 1:
            readers = [[*map(str, range(count))]] * (depth - 1)
            readers += [[*map(safe_key, tasks)]] if self.branches else []
            self.choices = nn.ModuleList(Routes(each, count) for each in readers)
        self._prototype = [first.to("meta")]

    def run_all(self, passes: Sequence[Pass]) -> TaskFeatures:
        """Draws the routes once, and runs what the wanted tasks read of them."""
        rows, found = self._rows(), TaskFeatures({})
        for inputs, tasks in passes:
            found |= self._run(inputs, tasks, rows)
        return found

    def paths(self) -> dict[str, list[int]]:
        """Returns `{task: its module at each level}` of the tree as it is in evaluation."""
        routes, found = self._tree(), {}
        for position, task in enumerate(self.tasks):
            path = [routes[-1][position]]
            for row in reversed(routes[:-1]):
                path.insert(0, row[path[0]])
            found[task] = path
        return found

    def searched(self) -> dict[str, Any]:
        """Returns `{"routes": ...}` of the best tree; nothing before a search has begun."""
        if self.routes is not None or not bool(self.search.begun):
            return {}
        return {"routes": self._tree()}

    def watched(self) -> dict[str, Watched]:
        """Returns, while it searches, the probability of each route."""
        found: dict[str, Watched] = {}
        for level, choice in enumerate(self._choices()):
            shares = choice.shares()
            last = level + 1 == len(self.blocks)
            names = self.tasks if last else [f"module {i}" for i in range(len(shares))]
            columns = tuple(f"module {j}" for j in range(shares.shape[1]))
            title = f"LearningToBranch: {'tasks' if last else f'level {level + 2}'}"
            # no `shares=True`: that a route takes everything is the aim here, and no collapse
            found[title] = Watched(dict(zip(names, shares, strict=True)), columns)
        return found

    def prototype(self) -> nn.Module:
        """Returns a copy of the encoder without memory; its own modules may come from several."""
        return self._prototype[0]

    def _choices(self) -> list[Routes]:
        return [choice for choice in self.choices if isinstance(choice, Routes)]

    def _tree(self) -> list[list[int]]:
        """Returns the routes of evaluation, those of the tasks last."""
        if self.routes is not None:
            return [list(row) for row in self.routes]
        found = [choice.best() for choice in self._choices()]
        alone = not self.choices
        if alone:
            found = [[0]] * (len(self.blocks) - 1)
        if alone or self.branches is None:
            found.append([0] * len(self.tasks) if alone else [*range(len(self.tasks))])
        return found

    def _rows(self) -> list[list[Row]]:
        """Returns the routing rows of each level after the first; those of the tasks last."""
        if not (self.training and self.choices):
            return [[{read: None} for read in row] for row in self._tree()]
        search, (start, end) = self.search, self.search.temperatures
        temperature = start / (1 + search.share() * ((start / end) ** 2 - 1)).sqrt()
        rows: list[list[Row]] = []
        for choice in self._choices():
            weights = choice(temperature, search.begun)
            rows.append([dict(enumerate(row.unbind())) for row in weights])
        if self.branches is None:
            rows.append([{position: None} for position in range(len(self.tasks))])
        return rows

    def _run(
        self, inputs: Any, wanted: Sequence[str], rows: Sequence[Sequence[Row]]
    ) -> dict[str, Features]:
        values, mask = unmasked(inputs, self.prototype())
        read = {task: rows[-1][self.tasks.index(task)] for task in wanted}
        needed: list[set[int]] = [set().union(*read.values())]
        for below in reversed(rows[:-1]):
            needed.insert(0, {each for index in needed[0] for each in below[index]})
        entered: list[dict[int, Any]] = []  # what each module of a level reads
        outputs: list[dict[int, Tensor]] = []
        for level, indices in enumerate(needed):
            entered.append({})
            made: dict[int, Tensor] = {}
            for index in sorted(indices):
                hidden = mixed(rows[level - 1][index], outputs[-1]) if level else values
                entered[-1][index] = hidden
                result = self._block(level, index)(hidden, mask)
                made[index] = one_tensor(result, level, self.prototype())
            outputs.append(made)
        grid = grid_of(inputs, self.prototype())
        left = remaining(mask, self.prototype())
        found: dict[str, Features] = {}
        for task, row in read.items():
            levels = [mixed(row, outputs[-1])]
            for level in reversed(range(len(rows) - 1)):
                above, weight = next(iter(row.items()))
                row = followed(row, rows[level])
                whole = weight is None  # of one module, so that it is what that module has read
                levels.insert(0, entered[level + 1][above] if whole else mixed(row, outputs[level]))
            found[task] = Features(tuple(levels), self.channel_dim, left, grid)
        return found

    def _block(self, level: int, index: int) -> Block:
        blocks = self.blocks[level]
        assert isinstance(blocks, nn.ModuleDict)
        block = blocks[str(index)]
        assert isinstance(block, Block)
        return block

    def _on_a_path(self, depth: int) -> list[set[int]]:
        """Returns the modules of each level that a task needs."""
        paths = self.paths().values()
        return [{path[level] for path in paths} for level in range(depth)]
