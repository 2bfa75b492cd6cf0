"""Linear models of sentences, sounds and photographs, one for each target.

What each reads is said at its function. The strength of the penalty is chosen on the validation
rows; what is predicted for the test rows is given in the words of the labels.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import soundfile
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.preprocessing import StandardScaler

Array = np.ndarray[Any, Any]
Rows = Mapping[str, Array]
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # inverse penalties of a logistic regression
PENALTIES = (1e-4, 1e-5, 1e-6)  # of a tagger that is fitted by stochastic gradient descent
EPOCHS = 15  # of such a tagger
SIDE = 16  # pixels of a photograph
CLASSES = 3  # of its pixels
RIDGE = tuple(10.0**power for power in range(1, 7))  # penalties
BANDS, WINDOW, HOP = 40, 256, 80  # bands and samples of a spectrogram


# --- one class for each example ---------------------------------------------------------------


def classes(features: Any, labels: Array, rows: Rows) -> Array:
    """Predicts classes by logistic regression, its strength chosen by the accuracy."""
    best = max(
        (
            _logistic(strength).fit(features[rows["train"]], labels[rows["train"]])
            for strength in STRENGTHS
        ),
        key=lambda model: float(model.score(features[rows["val"]], labels[rows["val"]])),
    )
    found: Array = best.predict(features[rows["test"]])
    return found


def _logistic(strength: float) -> Any:
    return LogisticRegression(C=strength, max_iter=3000)


def bags(sentences: Sequence[Sequence[str]], rows: Rows) -> Any:
    """Counts of the words of the training sentences, in lower case: `[N, words]`, sparse."""
    counted = CountVectorizer(analyzer=lambda words: [word.lower() for word in words])
    counted.fit([sentences[row] for row in rows["train"]])
    return counted.transform(sentences)


def spectra(sounds: Sequence[bytes], rows: Rows) -> Array:
    """Mean and deviation over time of 40 bands of a mel spectrogram, standardised: `[N, 80]`."""
    found = np.stack([_bands(content) for content in sounds])
    return _standardised(found, rows)


def _bands(content: bytes) -> Array:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * np.hanning(WINDOW)
    energy = np.abs(np.fft.rfft(frames)) ** 2 @ _mel(rate)
    heard = np.log(energy + 1e-6)
    return np.concatenate([heard.mean(axis=0), heard.std(axis=0)])


def _mel(rate: int) -> Array:
    """Returns triangles over the frequencies: `[WINDOW // 2 + 1, BANDS]`."""
    hertz = np.linspace(0, rate / 2, WINDOW // 2 + 1)[:, None]
    places = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), BANDS + 2)
    low, middle, high = (700 * (10 ** (places[k : BANDS + k] / 2595) - 1) for k in range(3))
    rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))


def small_pixels(photos: Sequence[Any], rows: Rows) -> Array:
    """The colours of 16 x 16 pixels, standardised: `[N, 768]`, of images `[3, H, W]`."""
    from torch.nn import functional as F

    small = [F.interpolate(p[None], (SIDE, SIDE), mode="area").flatten().numpy() for p in photos]
    return _standardised(np.stack(small), rows)


def _standardised(features: Array, rows: Rows) -> Array:
    found: Array = StandardScaler().fit(features[rows["train"]]).transform(features)
    return found


# --- one tag for each word --------------------------------------------------------------------


def tags(
    sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]], rows: Rows
) -> list[list[str]]:
    """Predicts the tag of each word by logistic regression, its penalty chosen by the accuracy.

    It reads the word, its beginnings and ends, how it is written, and its two neighbours on either
    side.
    """
    table = DictVectorizer()
    features = {split: [s for row in rows[split] for s in _words(sentences[row])] for split in rows}
    wanted = {s: list(itertools.chain.from_iterable(labels[r] for r in rows[s])) for s in rows}
    made = {"train": _short(table.fit_transform(features["train"]))}
    made |= {split: _short(table.transform(features[split])) for split in ("val", "test")}
    best = max(
        (
            SGDClassifier(
                loss="log_loss", alpha=alpha, max_iter=EPOCHS, tol=None, random_state=0
            ).fit(made["train"], wanted["train"])
            for alpha in PENALTIES
        ),
        key=lambda model: float(model.score(made["val"], wanted["val"])),
    )
    found: Iterator[str] = iter(best.predict(made["test"]).tolist())
    return [list(itertools.islice(found, len(sentences[row]))) for row in rows["test"]]


def _words(words: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yields what is said of each word of a sentence."""
    low = ["<", "<", *(word.lower() for word in words), ">", ">"]
    for place, word in enumerate(words):
        around = {f"word {k - 2}": low[place + k] for k in range(5)}
        ends = {f"end {k}": low[place + 2][-k:] for k in (1, 2, 3, 4)}
        starts = {f"start {k}": low[place + 2][:k] for k in (1, 2, 3)}
        written = {
            "capital": word.istitle(),
            "capitals": word.isupper(),
            "digit": any(sign.isdigit() for sign in word),
        }
        yield {**around, **ends, **starts, **written}


def _short(features: csr_matrix) -> csr_matrix:
    """Returns a sparse table with indices of 32 bits, which is what the solver takes."""
    features.indices = features.indices.astype(np.int32)
    features.indptr = features.indptr.astype(np.int32)
    return features


def majority(labels: Sequence[Any], rows: Rows) -> list[Any]:
    """Predicts the class, or the tag, that is the most frequent one in training."""
    train = [labels[row] for row in rows["train"]]
    test = [labels[row] for row in rows["test"]]
    if isinstance(train[0], str):
        return [_commonest(train)] * len(test)
    tag = _commonest(itertools.chain.from_iterable(train))
    return [[tag] * len(each) for each in test]


def _commonest(words: Any) -> str:
    values, counts = np.unique(list(words), return_counts=True)
    return str(values[counts.argmax()])


# --- one class for each pixel -----------------------------------------------------------------


def outlines(features: Array, masks: Sequence[Array], rows: Rows) -> list[Array]:
    """Predicts masks `[H, W]` from the same few pixels by ridge regression on 16 x 16 shares.

    Each small pixel is given its share of each class; the largest share wins, and the small mask is
    resized to the photograph. The penalty is chosen by the accuracy of the validation pixels.
    """
    shares = np.stack([_shares(mask) for mask in masks]).reshape(len(masks), -1)
    sizes = [mask.shape for mask in masks]

    def made(model: Any, split: str) -> list[Array]:
        found = model.predict(features[rows[split]]).reshape(-1, CLASSES, SIDE, SIDE).argmax(1)
        return [_enlarged(small, sizes[row]) for small, row in zip(found, rows[split], strict=True)]

    def right(model: Any) -> float:
        pairs = zip(made(model, "val"), rows["val"], strict=True)
        return float(np.mean([(found == masks[row]).mean() for found, row in pairs]))

    fitted = (Ridge(alpha=a).fit(features[rows["train"]], shares[rows["train"]]) for a in RIDGE)
    return made(max(fitted, key=right), "test")


def _shares(mask: Array) -> Array:
    """Returns the share of each class in each of 16 x 16 cells: `[CLASSES, 16, 16]`."""
    height, width = (size // SIDE for size in mask.shape)
    cells = mask[: height * SIDE, : width * SIDE].reshape(SIDE, height, SIDE, width)
    return np.stack([(cells == k).mean(axis=(1, 3)) for k in range(CLASSES)])


def _enlarged(small: Array, size: tuple[int, ...]) -> Array:
    rows, columns = (np.arange(length) * SIDE // length for length in size)
    return small[rows[:, None], columns]
