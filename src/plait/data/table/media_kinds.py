"""Columns of pictures, sounds, masks, maps and sentences, recognised by what they hold."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import DataError
from plait.core.extras import need
from plait.core.spaced import spaced
from plait.data.files import Store
from plait.data.images import decode, upright
from plait.data.table.kinds import MISSING_WORDS, Guess
from plait.data.table.roles import is_coordinate

if TYPE_CHECKING:
    import pandas as pd

PICTURES, SOUNDS = (".jpg", ".jpeg", ".png"), (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
ARRAYS = (".npy",)
UNREAD = {  # what files of other forms are written as
    **dict.fromkeys((".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif"), "JPEG or PNG"),
    **dict.fromkeys((".m4a", ".aac", ".wma", ".opus", ".mp4"), "WAV or FLAC"),
}
LOOKED_AT = 12  # files of a column
MOST_CLASSES = 64  # values of a mask; more are a picture, or a map of numbers
SIDE = 128  # pixels to which larger pictures are resized
RATE, LONGEST = 16_000, 30.0  # at most, of sounds: samples a second, and seconds
AUGMENT = {"flip": 0.5, "crop": 0.2}
ALIGNED = 200  # rows in which lists are compared
LISTS = (list, tuple, np.ndarray)


def media_guesses(
    frame: pd.DataFrame, store: Store | None, wanted: Collection[str] | None = None
) -> dict[str, Guess]:
    """Returns the guesses for columns of files, and for columns of as many words in each row.

    Args:
        frame: the table.
        store: the files that its cells may name; None for a table without files.
        wanted: columns that are predicted; None where nobody has named any, so that masks, maps and
            tags are: they can be nothing else.
    """
    found = {} if store is None else _of_files(frame, store, wanted)
    rest = [name for name in frame if name not in found]
    return found | _of_words(frame[rest], wanted)


def unmoved(guesses: Mapping[str, Guess], wanted: Sequence[str]) -> dict[str, Guess]:
    """Leaves pictures as they are where a number that is predicted may be a place in them.

    Augmentation would move the picture and not the number, of which nobody has said so.

    Args:
        guesses: `{column: guess}`.
        wanted: columns that are predicted.
    """
    places = [name for name in wanted if guesses[name].kind == "number" and is_coordinate(name)]
    found = dict(guesses)
    for name, each in guesses.items() if places else ():
        if each.kind == "image":
            more = {option: value for option, value in each.more.items() if option != "augment"}
            told = f"{each.reason}; not augmented, since {places[0]} may be a place in it: boxes "
            told += "and points have a kind: numbers, with a geometry, and move with it"
            found[name] = replace(each, reason=told, more=more)
    return found


def _of_files(
    frame: pd.DataFrame, store: Store, wanted: Collection[str] | None
) -> dict[str, Guess]:
    found: dict[str, Guess] = {}
    for name in map(str, frame.columns):
        paths, missing = _paths(frame[name])
        if not paths:
            continue
        there = [path for path in paths if store.holds(path) and store.has(path)]
        if not there:
            found[name] = Guess("exclude", _on_no_file(paths[0], store))
        elif (form := PurePath(paths[0]).suffix.lower()) in UNREAD:
            reason = f"files of a form that is not read ({form}): write them as {UNREAD[form]}"
            found[name] = Guess("exclude", reason)
        elif paths[0].lower().endswith(SOUNDS):
            found[name] = _sound(there, store)
        elif paths[0].lower().endswith(ARRAYS):
            found[name] = Guess("map", "files of numbers")
        else:
            found[name] = _picture(there, store, name in (wanted or ()))
        found[name] = replace(found[name], missing=missing)
    pictures = [name for name, each in found.items() if each.kind == "image"]
    if not pictures:  # then those of few greys are no masks, which would lie on one
        lone = [n for n, e in found.items() if e.kind == "mask" and n not in (wanted or ())]
        pictures = lone[: 1 if wanted is None else None]
        found |= {name: _as_picture(frame[name], store) for name in pictures}
    for name, each in found.items():
        if each.kind in ("mask", "map") and wanted is not None and name not in wanted:
            what = "masks: a class for each pixel" if each.kind == "mask" else "maps of numbers"
            hint = f"; to predict them: --targets {name}" if pictures else ""
            found[name] = Guess("exclude", what + hint)
    return found


def _paths(column: pd.Series[Any]) -> tuple[list[str], tuple[str, ...]]:
    """Returns some cells of a column of paths, evenly spread, and the words for missing ones.

    There are none for other columns.
    """
    cells = column.dropna().tolist()
    if not all(isinstance(cell, str) for cell in cells):
        return [], ()
    absent = {cell for cell in cells if cell.strip().lower() in MISSING_WORDS}
    cells = [cell for cell in cells if cell not in absent]
    some = [cells[place] for place in spaced(len(cells), LOOKED_AT)]
    known = (*PICTURES, *SOUNDS, *ARRAYS, *UNREAD)
    if not some or not all(cell.lower().endswith(known) for cell in some):
        return [], ()
    return some, tuple(sorted(absent - {""}))


def _on_no_file(path: str, store: Store) -> str:
    """Says that none of a column's files is there, and how paths are written."""
    way = ""
    if not store.holds(path):
        way = "; write paths relative to that folder, and none that leads out of it"
    elif "\\" in path:
        way = "; write / between folders"
    return f"paths such as {path!r}, of which no file is in {store.root.resolve()}{way}"


def _as_picture(column: pd.Series[Any], store: Store) -> Guess:
    """Returns the guess for pictures of few greys, which might be masks elsewhere."""
    there = [path for path in _paths(column)[0] if store.holds(path) and store.has(path)]
    images = [decode(store.read(path), store.place(path)) for path in there]
    return _image(images)


def _picture(paths: Sequence[str], store: Store, predicted: bool) -> Guess:
    """Returns the guess for pictures or masks, by the first files."""
    try:
        images = [decode(store.read(path), store.place(path)) for path in paths]
    except DataError as error:
        return Guess("exclude", f"pictures that cannot be read: {error}")
    if all(image.mode in ("1", "L", "P", "I", "I;16") for image in images):
        values = np.unique(np.concatenate([np.unique(np.asarray(each, int)) for each in images]))
        if len(values) <= MOST_CLASSES:
            names = {int(value): str(value) for value in values}
            if set(names) == {0, 255} or set(names) == {0, 1}:
                names = dict(zip(names, ("background", "foreground"), strict=True))
            return Guess("mask", f"{len(values)} values in the pixels", more={"values": names})
        if predicted:
            return Guess("map", f"numbers {values[0]} to {values[-1]} in the pixels")
    elif predicted:
        return Guess("exclude", "pictures in colours; a mask has one channel, of class numbers")
    return _image(images)


def _image(images: Sequence[Any]) -> Guess:
    """Returns the guess for pictures, by their sizes and colours."""
    sizes = [(image.height, image.width) for image in map(upright, images)]
    grey = all(image.mode in ("1", "L", "I", "I;16") for image in images)
    return Guess("image", _on_sizes(sizes), more=_shape(sizes, grey) | {"augment": dict(AUGMENT)})


def _shape(sizes: Sequence[tuple[int, int]], grey: bool) -> dict[str, Any]:
    height, width = (int(np.median([size[axis] for size in sizes])) for axis in (0, 1))
    scale = min(1.0, SIDE / max(height, width))
    size = [max(1, round(height * scale)), max(1, round(width * scale))]
    more: dict[str, Any] = {"size": size[0] if size[0] == size[1] else size}
    return more | ({"channels": 1} if grey else {})


def _on_sizes(sizes: Sequence[tuple[int, int]]) -> str:
    (low, high) = (min(sizes), max(sizes))
    told = f"{low[0]} x {low[1]}"
    return f"pictures, {told}" if low == high else f"pictures, {told} to {high[0]} x {high[1]}"


def _sound(paths: Sequence[str], store: Store) -> Guess:
    """Returns the guess for sounds, by the headers of the first files."""
    soundfile = need("soundfile", extra="app", purpose="Reading sounds")
    try:
        heads = [soundfile.info(io.BytesIO(store.read(path))) for path in paths]
    except (DataError, soundfile.LibsndfileError) as error:
        return Guess("exclude", f"sounds that cannot be read: {error}")
    rate = min(RATE, max(head.samplerate for head in heads))
    longest = max(head.duration for head in heads)
    seconds = min(LONGEST, max(0.5, math.ceil(longest * 2.4) / 2))
    told = f"sounds, {min(h.duration for h in heads):.2g} to {longest:.2g} s, {rate:,} Hz"
    return Guess("sound", told, more={"rate": rate, "seconds": seconds})


def _of_words(frame: pd.DataFrame, wanted: Collection[str] | None) -> dict[str, Guess]:
    """Returns the guesses for columns that have as many words as each other in each row.

    The one with the most different words is the sentence; the others are its tags.
    """
    lists = {str(name): found for name in frame if (found := _lists(frame[name])) is not None}
    groups: list[list[str]] = []
    for name in lists:
        group = next((g for g in groups if _aligned(lists[g[0]][1], lists[name][1])), None)
        groups.append([name]) if group is None else group.append(name)
    guesses: dict[str, Guess] = {}
    for names in groups:
        if len(names) < 2:
            continue
        kinds = {name: len(set(chain.from_iterable(lists[name][1])) - {""}) for name in names}
        free = [name for name in names if name not in (wanted or ())] or names
        sentence = max(free, key=lambda name: kinds[name])
        lengths = [len(row) for row in lists[sentence][1] if row]
        told = f"{np.mean(lengths):.0f} words on average"
        guesses[sentence] = Guess("tokens", told, separator=lists[sentence][0])
        for name in names:
            if name == sentence:
                continue
            tags = f"{kinds[name]} tags, one for each word of {sentence}"
            if wanted is None or name in wanted:
                of = {"of": sentence}
                guesses[name] = Guess("token tags", tags, separator=lists[name][0], more=of)
            else:
                guesses[name] = Guess("exclude", f"{tags}; to predict them: --targets {name}")
    return guesses


def _lists(column: pd.Series[Any]) -> tuple[str, list[list[str]]] | None:
    """Returns the separator (empty for lists) and words of the first rows; None for others.

    A missing cell has no words, and a word that is missing in a list is an empty one.
    """
    first = column.iloc[:ALIGNED].astype(object)
    cells = first.where(first.notna(), None).tolist()
    cells = [() if cell is None else cell for cell in cells]
    if all(isinstance(cell, LISTS) for cell in cells):
        rows = [["" if word is None else word for word in cell] for cell in cells]
        words = all(isinstance(word, str) for row in rows for word in row)
        return ("", rows) if words and any(rows) else None
    texts = [cell or "" for cell in cells]
    if all(isinstance(text, str) for text in texts) and any(" " in text for text in texts):
        return " ", [text.split() for text in texts]
    return None


def _aligned(one: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> bool:
    """Whether two columns have as many words as each other, where both have some.

    They are of several lengths: columns of one are features rather than sentences.
    """
    both = [(len(a), len(b)) for a, b in zip(one, other, strict=True) if a and b]
    return all(a == b for a, b in both) and len(set(both)) > 1
