"""Values that several readers share: none of them is changed by a layer that works in place."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from plait.core.errors import UnsupportedError
from plait.core.structure import map_tensors, tensors

COPIED = (dict, list, tuple)
Reader = Callable[..., Any]
Mode = tuple[Any, ...]
Writes = bool | Literal["never"]  # by a trial, or because no layer of it ever does
_WRITES: WeakKeyDictionary[Reader, dict[Mode, Writes]] = WeakKeyDictionary()


def untouched(readers: Sequence[Reader], run: Callable[..., Any], value: Any, *given: Any) -> Any:
    """Returns ``run(readers, value, *given)``, and leaves every tensor of the value as it is.

    Readers that write into their input, such as a block that begins with ``nn.ReLU(inplace=True)``,
    are given a copy. Which do is found once for each mode, by a run of copies of them without
    memory or arithmetic: torch counts the writes into a tensor and its views.

    Args:
        readers: the modules or functions that run one after the other, at least one.
        run: computes the result.
        value: a tensor, or lists, tuples and dicts of them; other objects are handed on.
        given: what else `run` takes.

    Raises:
        UnsupportedError: there was a write into the value that the run of copies did not show.
    """
    if not isinstance(value, Tensor) and type(value) not in COPIED:
        return run(readers, value, *given)
    if torch.compiler.is_compiling():  # nothing can be kept; a needless copy is compiled away
        return run(readers, map_tensors(torch.clone, value), *given)
    known = _known(readers[0])
    mode: Mode = tuple([getattr(each, "training", None) for each in readers])
    if len(readers) > 1:
        mode += tuple(map(id, readers[1:]))
    writes = known.get(mode)
    if writes is None:
        if _never_write(readers):
            writes = "never"
        elif any(tensor.is_meta for tensor in tensors(value)):
            return _without_numbers(readers, run, value, *given)
        else:
            writes = _found_to_write(readers, run, value, *given)
        known[mode] = writes
    if writes == "never":
        return run(readers, value, *given)
    if writes:
        return run(readers, map_tensors(torch.clone, value), *given)
    before = _versions(value)
    result = run(readers, value, *given)
    if _versions(value) != before:
        raise UnsupportedError(
            f"{_name(readers[0])} has written into its input, which others read, though it does "
            "not always. Write `x = x + y` in place of `x += y`, or leave out `inplace=True`."
        )
    return result


def _known(reader: Reader) -> dict[Mode, Writes]:
    """Returns whether a reader writes, by mode; a fresh dict for one that cannot be referred to."""
    try:
        known = _WRITES.get(reader)
        if known is None:
            known = _WRITES[reader] = {}
    except TypeError:
        known = {}
    return known


def _never_write(readers: Sequence[Reader]) -> bool:
    """Tells whether all layers are torch's or plait's own, which write only if they are told to.

    Layers with hooks may do anything.
    """
    return all(
        isinstance(layer, nn.Module)
        and type(layer).__module__.startswith(("torch.nn.", "plait."))
        and not getattr(layer, "inplace", False)
        and not (layer._forward_hooks or layer._forward_pre_hooks)
        for layer in chain.from_iterable(map(_layers, readers))
    )


def _found_to_write(
    readers: Sequence[Reader], run: Callable[..., Any], value: Any, *given: Any
) -> bool:
    """Tells whether readers write into what they are given, by a run of copies of them.

    What can be neither copied nor run is taken to write if a layer of it works in place.
    """
    layers = list(chain.from_iterable(map(_layers, readers)))
    in_place = any(getattr(layer, "inplace", False) for layer in layers)
    for imitate in (_without_memory, torch.clone):
        try:
            with _counting(), torch.random.fork_rng(devices=[]):
                memo = {id(each): imitate(each) for each in _parameters(readers)}
                copies = copy.deepcopy(list(readers), memo)
                _without_hooks(copies)
                trial, others = map_tensors(imitate, value), map_tensors(imitate, list(given))
                before = _versions(trial)
                run(copies, trial, *others)
        except Exception:  # the next way, or else the layers, tell
            continue
        return _versions(trial) != before
    return in_place


def _without_numbers(
    readers: Sequence[Reader], run: Callable[..., Any], value: Any, *given: Any
) -> Any:
    """Returns ``run(readers, value, *given)``: there are no numbers to change, but a shape.

    Raises:
        UnsupportedError: a shape was changed in place.
    """
    before = [tensor.shape for tensor in tensors(value)]
    result = run(readers, value, *given)
    if [tensor.shape for tensor in tensors(value)] != before:
        raise UnsupportedError(
            f"{_name(readers[0])} has changed the shape of its input in place, which others read. "
            "Write `x = x.unsqueeze(1)` in place of `x.unsqueeze_(1)`."
        )
    return result


@contextmanager
def _counting() -> Iterator[None]:
    """Lets torch count writes into new tensors, and keep no graph."""
    with torch.inference_mode(False), torch.no_grad():
        yield


def _name(reader: Reader) -> str:
    return str(getattr(reader, "__name__", type(reader).__name__))


def _layers(reader: Reader) -> list[Reader]:
    """Returns all modules of a reader; a function itself."""
    return list(reader.modules()) if isinstance(reader, nn.Module) else [reader]


def _parameters(readers: Iterable[Reader]) -> list[Tensor]:
    modules = [each for each in readers if isinstance(each, nn.Module)]
    return [each for part in modules for each in chain(part.parameters(), part.buffers())]


def _without_hooks(readers: Iterable[Reader]) -> None:
    """Takes the hooks off, so that nobody counts or keeps what a trial runs."""
    for layer in chain.from_iterable(map(_layers, readers)):
        if isinstance(layer, nn.Module):
            layer._forward_hooks.clear()
            layer._forward_pre_hooks.clear()


def _without_memory(tensor: Tensor) -> Tensor:
    like = torch.empty_like(tensor, device="meta")
    return nn.Parameter(like, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else like


def _versions(value: Any) -> int | list[Any]:
    """Returns torch's counters of the writes into the tensors that it counts."""
    if isinstance(value, Tensor):
        return 0 if value.is_inference() else value._version
    if type(value) is tuple:  # the levels that a head reads, in each step
        return [_versions(each) for each in value]
    return [tensor._version for tensor in tensors(value) if not tensor.is_inference()]
