"""Miniatures of the known data of sentences and sounds in their original layout."""

import gzip
import io
import json
import math
import struct
import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plait.recipes.fsdd import ACCENTS, RATE

SENTENCES = {"train": 24, "dev": 8, "test": 8}
CITIES = ("boston", "denver", "dallas", "new york", "san diego")


def atis(folder: Path) -> Path:
    """Flights and fares between two cities; a word for each, tags for each."""
    random = np.random.default_rng(0)
    for split, count in SENTENCES.items():
        lines: dict[str, list[str]] = {"seq.in": [], "seq.out": [], "label": []}
        for number in range(count):
            what = ("flights", "fares")[number % 2]
            words, tags = ["show", what, "from"], ["O", "O", "O"]
            for role, between in (("fromloc", ["to"]), ("toloc", ["please"])):
                city = str(random.choice(CITIES)).split()
                words += [*city, *between]
                tags += [f"{'BI'[place > 0]}-{role}.city_name" for place in range(len(city))]
                tags += ["O"]
            lines["seq.in"].append(" ".join(words))
            lines["seq.out"].append(" ".join(tags))
            lines["label"].append({"flights": "atis_flight", "fares": "atis_airfare"}[what])
        (folder / split).mkdir(parents=True, exist_ok=True)
        for name, each in lines.items():
            (folder / split / name).write_text("".join(f"{line} \n" for line in each))
    return folder


def gum_sentences(count: int, seed: int) -> list[dict[str, Any]]:
    """Somebody sees something, or does not."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        who, seen = random.choice(["Ann", "Bob"]), random.choice(["cat", "tree"])
        asked = number % 2 == 1
        kind = {"cat": "animal", "tree": "plant"}[seen]
        found.append(
            {
                "id": f"GUM_news_{seed}-{number + 1}",
                "genre": "news",
                "s_type": "q" if asked else "decl",
                "tokens": [who, "saw", "the", seen, "?" if asked else "."],
                "upos": ["PROPN", "VERB", "DET", "NOUN", "PUNCT"],
                "xpos": ["NNP", "VBD", "DT", "NN", "."],
                "head": [2, 0, 4, 2, 2],
                "deprel": ["nsubj", "root", "det", "obj", "punct"],
                "entity": ["B-person", "O", f"B-{kind}", f"I-{kind}", "O"],
            }
        )
    return found


def gum(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (split, count) in enumerate(SENTENCES.items()):
        lines = [json.dumps(each, separators=(",", ":")) for each in gum_sentences(count, seed)]
        content = "".join(f"{line}\n" for line in lines)
        (folder / f"{split}.jsonl.gz").write_bytes(gzip.compress(content.encode()))
    return folder


def gum_conllu(folder: Path) -> Path:
    """The same sentences, as Universal Dependencies distributes them."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (split, count) in enumerate(SENTENCES.items()):
        lines = ["# newdoc id = GUM_news", "# meta::genre = news"]
        for each in gum_sentences(count, seed):
            lines += [f"# sent_id = {each['id']}", f"# s_type = {each['s_type']}"]
            kind = each["entity"][2][2:]
            mentions = ["(1-person-new-1)", "", f"(2-{kind}-new-1", "2)", ""]
            for place, word in enumerate(each["tokens"]):
                more = f"Entity={mentions[place]}" if mentions[place] else "_"
                fields = [place + 1, word, word.lower(), each["upos"][place], each["xpos"][place]]
                fields += ["_", each["head"][place], each["deprel"][place], "_", more]
                lines.append("\t".join(map(str, fields)))
            lines.append("")
        (folder / f"en_gum-ud-{split}.conllu").write_text("\n".join(lines))
    return folder


def meld(folder: Path) -> Path:
    """Joy and anger, in sentences with quotes, commas and signs of Windows."""
    folder.mkdir(parents=True, exist_ok=True)
    header = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode"
    said = {
        "joy": ("positive", '"That\u2019s great, really great!"'),
        "anger": ("negative", '"I \u201chate\u201d it, ""so"" go!"'),
        "neutral": ("neutral", "Well\u2026 we will see"),
    }
    for split, count in SENTENCES.items():
        lines = [f"{header},StartTime,EndTime"]
        for number in range(count):
            emotion = list(said)[number % 3]
            sentiment, words = said[emotion]
            rest = f"{number // 4},{number % 4},8,21"
            times = '"00:16:16,059","00:16:21,731"'
            lines.append(f"{number + 1},{words},Ann,{emotion},{sentiment},{rest},{times}")
        content = "".join(f"{line}\r\n" for line in lines)
        (folder / f"{split}_sent_emo.csv").write_text(content, encoding="utf-8", newline="")
    return folder


def tone(pitch: float, seconds: float, rate: int = RATE) -> bytes:
    """A WAV file of a pure tone, 16 bits, one channel."""
    count = int(seconds * rate)
    samples = [int(9000 * math.sin(2 * math.pi * pitch * n / rate)) for n in range(count)]
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{count}h", *samples))
    return content.getvalue()


def fsdd(folder: Path) -> Path:
    """Tones: high ones for high digits, long ones for some speakers."""
    (folder / "recordings").mkdir(parents=True, exist_ok=True)
    speakers = list(ACCENTS)[:4]
    for digit in range(2):
        for place, speaker in enumerate(speakers):
            for number in (0, 5, 10, 11):
                name = f"{digit}_{speaker}_{number}.wav"
                content = tone(300 + 900 * digit + number, 0.1 + 0.03 * place)
                (folder / "recordings" / name).write_bytes(content)
    return folder


MADE: Mapping[str, Callable[[Path], Path]] = {"atis": atis, "fsdd": fsdd, "gum": gum, "meld": meld}
