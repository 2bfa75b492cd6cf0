"""The pages of the documentation follow the source, and what they name exists."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import plait

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "plait"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def packages_with_public_names() -> dict[str, list[str]]:
    folders = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
    names = {folder: importlib.import_module(f"plait.{folder}").__all__ for folder in folders}
    return {folder: list(listed) for folder, listed in names.items() if listed}


def test_every_package_with_public_names_has_an_api_page() -> None:
    """docs/generate.py writes a page of each from its `__all__`; docs/api.md leads there."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    table = re.findall(r"\(api/(\w+)\.md\)", text)
    tree = re.findall(r"^api/(\w+)$", text, re.MULTILINE)
    assert table == tree
    assert sorted(table) == sorted(["plait", *packages_with_public_names()])


def test_every_top_level_name_is_public_in_its_package() -> None:
    listed = packages_with_public_names()
    for name in plait.__all__:
        homes = [
            package
            for package, names in listed.items()
            if name in names
            and getattr(importlib.import_module(f"plait.{package}"), name) is getattr(plait, name)
        ]
        assert homes, f"plait.{name} is in the __all__ of no package, so it has no page"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_a_file(page: Path) -> None:
    found = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    missing = [link for link in found if not (page.parent / link).exists()]
    assert not missing, f"{page.name} links to {missing}"


def test_pages_written_from_the_code_are_up_to_date() -> None:
    """In a fresh interpreter, which no other test has taught another import path."""
    code = (
        "import sys; sys.path.insert(0, 'docs'); import generate; "
        "print(*[p for p, text in generate.pages().items() if p.read_text('utf-8') != text])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "\n", f"run `python docs/generate.py`, which writes anew: {ran.stdout}"


def test_no_page_names_a_folder_beside_the_repository() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
    assert not [page.name for page in pages if "../shared" in page.read_text("utf-8")]


def test_every_path_in_the_guide_for_contributors_exists() -> None:
    """Paths are below src/plait or below the root; `name.py` stands for any file."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = [word for word in re.findall(r"`([^`\s]+)`", text) if "name" not in word]
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    paths = [
        word
        for word in code
        if ("/" in word and word.partition("/")[0] in folders | {"docs", "tests", ".ci"})
        or word.endswith((".md", ".py"))
        or word in folders
    ]
    assert len(paths) > 30
    missing = [path for path in paths if not ((SOURCE / path).exists() or (ROOT / path).exists())]
    assert not missing, f"CONTRIBUTING.md names {missing}"
