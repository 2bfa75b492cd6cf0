import gzip
import json
import lzma
from pathlib import Path

import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.read import read_pieces, read_table

TEXT = "a,b\n1,x\n2.5,NA\n,\n"


def packed(path: Path, content: bytes) -> Path:
    """Writes a file, packed as its name says."""
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".xz":
        content = lzma.compress(content)
    elif path.suffix == ".zst":
        content = pytest.importorskip("zstandard").ZstdCompressor().compress(content)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packing", ["", ".gz", ".xz", ".zst"])
@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_every_format_gives_the_same_table(tmp_path: Path, form: str, packing: str) -> None:
    text = TEXT if form == "csv" else TEXT.replace(",", "\t")
    if form == "jsonl":
        rows = [{"a": 1, "b": "x"}, {"a": 2.5, "b": "NA"}, {"a": None, "b": None}]
        text = "".join(json.dumps(row) + "\n" for row in rows)
    path = packed(tmp_path / f"t.{form}{packing}", text.encode())
    seen: list[tuple[int, int]] = []
    frame = read_table(path, progress=lambda *told: seen.append(told))
    assert frame["a"].tolist()[:2] == [1.0, 2.5]
    assert frame["b"].tolist()[:2] == ["x", "NA"], "a word that may mean missing stays a word"
    assert frame.iloc[2].isna().all()
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    pieces = list(read_pieces(path, 2))
    assert [len(piece) for piece in pieces] == [2, 1]
    pd.testing.assert_frame_equal(pd.concat(pieces), frame, check_dtype=False)


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "l": [[1, 2], [3, 4], [5, 6]]})
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert read["a"].tolist() == [1, 2, 3]
    assert [list(each) for each in read["l"]] == [[1, 2], [3, 4], [5, 6]]
    assert [len(piece) for piece in read_pieces(tmp_path / "t.parquet", 2)] == [2, 1]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a;b\n1,5;x\n", [1.5, "x"]),
        ("a;b\n1.5;x,y\n", [1.5, "x,y"]),
        ("a|b\n1.5|x\n", [1.5, "x"]),
        ("a\tb\n1.5\tx\n", [1.5, "x"]),
        ('"a, and c",b\n1.5,"x, y"\n', [1.5, "x, y"]),
        ("a, b\n1.5, x\n", [1.5, "x"]),
        ("\ufeffa,b\n1.5,x\n", [1.5, "x"]),
        ("a\n1.5\n", [1.5]),
    ],
)
def test_separators_are_told_from_the_first_lines(
    tmp_path: Path, text: str, first: list[object]
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    frame = read_table(tmp_path / "t.csv")
    assert frame.iloc[0].tolist() == first
    assert frame.columns[-1] == ("a" if len(first) == 1 else "b")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "t.csv is empty: there is no row"),
        ("t.csv", b"a,b\n", "t.csv is empty: there is no row"),
        ("t.csv", b"a,b\n1,2\n3,4,5\n", "separator too many in line 3"),
        ("t.csv", b"a,b\n1,2,3\n", "separator too many in a line"),
        ("t.csv", b'a,b\n"1,2\n', "t.csv cannot be read as a table"),
        ("t.csv", b"a,b,a\n1,2,3\n", "several columns of the name 'a'"),
        ("t.csv", b"a\0b", "is no text"),
        ("t.csv", b"a,b\n\xff,1\n", "text in UTF-8"),
        ("t.csv.gz", b"a,b\n1,2\n", "cannot be read as a table: Not a gzipped file"),
        ("t.csv.xz", b"a,b\n1,2\n", "cannot be read as a table"),
        ("t.jsonl", b"{", "cannot be read as a table"),
        ("t.xlsx", b"a", "must end in .csv, .tsv, .jsonl"),
        ("t.parquet.gz", b"a", "must end in .csv"),
    ],
)
def test_what_is_no_table(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (read_table, lambda path: list(read_pieces(path, 2))):
        with pytest.raises(DataError) as caught:
            read(tmp_path / name)
        assert words in str(caught.value)
        assert name in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.csv is not there. Name a file"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"is a folder"):
        read_table(tmp_path)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    cell = "=cmd|' /C calc'!A0"
    (tmp_path / "t.csv").write_text(f'a,b\n"{cell}",1\n')
    assert read_table(tmp_path / "t.csv")["a"][0] == cell


@pytest.mark.parametrize("packing", ["", ".gz"])
@pytest.mark.parametrize("last", ["x", "True", "", "2.5"])
def test_blocks_of_other_kinds_are_read_as_a_whole(tmp_path: Path, last: str, packing: str) -> None:
    """Some columns of a million cells begin with what looks like numbers, or like yes and no."""
    rows = 1_000_000  # of more than 5 MB, which pandas reads on several cores
    text = "a,b\n" + "01,True\n" * rows + f"{last},{last}\n"
    path = packed(tmp_path / f"t.csv{packing}", text.encode())
    seen: list[tuple[int, int]] = []
    frame = read_table(path, progress=lambda *told: seen.append(told))
    whole = pd.read_csv(path, low_memory=False, keep_default_na=False, na_values=["", "NaN", "nan"])
    pd.testing.assert_frame_equal(frame, whole)
    if last == "x":
        assert frame["a"].iloc[0] == "01"
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    if packing:
        assert len(seen) > 2


def test_names_that_pandas_would_expand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("~", "file:"):
        Path(name).mkdir()
        assert len(read_table(packed(Path(name) / "t.csv", TEXT.encode()))) == 3
