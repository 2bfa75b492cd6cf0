"""The files of the source tree, for the tests that read them."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "plait"
FILES = sorted(SOURCE.rglob("*.py"))
FOLDERS = [path.parent for path in FILES if path.stem == "__init__"]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def within(path: Path) -> str:
    """A file as the allow-lists name it: `training/trainer.py`."""
    return path.relative_to(SOURCE).as_posix()


def module_of(path: Path) -> str:
    """The name of the module, `plait.training.trainer`; that of a folder for `__init__.py`."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
