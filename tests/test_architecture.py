"""The laws of the code base that no single method's test can see. CONTRIBUTING.md states them."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from plait.core.families import FAMILIES
from plait.core.lookup import is_base
from tests.source import FILES, FOLDERS, ROOT, SOURCE, module_of, parse, where, within

PACKAGES = [".".join(folder.relative_to(SOURCE.parent).parts) for folder in FOLDERS]

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_METHODS = 15
LONG_FILE_LINES = 300

# A file over 300 lines is allowed for one idea that would not read better in two: which one.
LONG_FILES = {
    "engine/replicas.py": "the exchanges of one step, in their order",
    "engine/engine.py": "the life of a step: losses in, `.grad` and a record out",
    "model/model.py": "the model as its parts see it: what runs, in which order, with what name",
    "training/trainer.py": "the life of a training: fit, epochs, evaluation, callbacks",
}
# Circles of imports that are a contract from both sides.
CIRCLES = {
    frozenset(
        {"plait.training.callbacks", "plait.training.progress", "plait.training.trainer"}
    ): "a callback is given the trainer, which calls it, and has one of its own for the progress",
}
# Source files without a test file of their own name: what covers them instead.
COVERED_ELSEWHERE = {
    "balancing/contract/problem.py": "a protocol; tests/training/test_problem.py has who keeps it",
    "cli/settings.py": "tests/cli/test_quick.py and test_bad_input.py, by whole commands",
    "connections/bases/lateral_base.py": "test_lateral.py and test_progressive.py, against columns",
    "engine/gathered.py": "what a step holds, by every test of a route",
    "engine/routes/look_ahead.py": "tests/balancing/test_forum.py, tests/training/test_problem.py",
    "engine/shard_rows.py": "tests/distributed/test_promise.py and test_shards.py, in processes",
    "model/parts.py": "a protocol; tests/model/test_model.py has who keeps it",
    "recipes/base.py": "a contract; every recipe's test",
    "sharing/experts/levels.py": "test_ple.py and test_adatt.py, against loops",
}
# The code that runs any method and therefore may know none by its name.
NAMELESS = (
    *("balancing", "sharing", "connections", "regularization"),
    *("gradients", "training", "engine", "model"),
)
# What the gradient side of the library must not pull in.
NOT_FOR_GRADIENTS = {
    *("torchmetrics", "rich", "typer", "pydantic", "yaml", "pandas", "PIL", "soundfile"),
    *("sklearn", "scipy", "plotly", "jinja2", "optuna"),
}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a fresh interpreter in the root of the repository."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_there_is_source_to_check() -> None:
    assert "plait" in PACKAGES
    assert len(FILES) > len(PACKAGES)


# --- floors ---------------------------------------------------------------------------------


def test_imports_run_down_only() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = python("-c", code, "--no-logo", "--no-cache")
    assert run.returncode == 0, run.stdout + run.stderr


def imported(path: Path, modules: set[str]) -> set[str]:
    """The modules of plait that a file imports, for types only and within functions included.

    Importing a module runs the `__init__` of its folder too; that is the way of Python and counts
    as no import of the file's own.
    """
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in names}
    return found & modules - {module_of(path)}


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The largest groups in which every module reaches every other."""

    def reached(start: str) -> set[str]:
        seen, waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    below = {module: reached(module) for module in graph}
    groups = (
        frozenset(other for other in below[module] if module in below[other]) for module in graph
    )
    return {group for group in groups if group}


def test_a_circle_is_recognised() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}
    assert circles(graph) == {frozenset("bc")}
    assert circles({"a": {"b"}, "b": set()}) == set()


def test_no_circle_of_imports() -> None:
    modules = {module_of(path): path for path in FILES}
    found = circles({name: imported(path, set(modules)) for name, path in modules.items()})
    new = [sorted(circle) for circle in found - set(CIRCLES)]
    assert not new, f"cut it, by a protocol or by a file below both: {new}"
    assert not set(CIRCLES) - found, "the allow-list has circles that are no more"


def taken_from_the_top(node: ast.AST) -> list[str]:
    """Names that an import takes from `plait` itself; its folders and `__version__` are fine."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name == "plait"]
    if isinstance(node, ast.ImportFrom) and node.module == "plait" and node.level == 0:
        names = [alias.name for alias in node.names if not alias.name.startswith("__")]
        return [name for name in names if not (SOURCE / name).is_dir()]
    return []


def test_no_module_takes_a_public_name_from_the_top_package() -> None:
    """The top package exports by strings as well, which an import checker cannot follow."""
    below = [path for path in FILES if path.parent != SOURCE or not path.stem.startswith("__")]
    found = [
        f"{where(path, node)} imports {name}"
        for path in below
        for node in ast.walk(parse(path))
        for name in taken_from_the_top(node)
    ]
    assert not found, f"import from the folder that defines it, not from plait: {found}"


# --- sizes ----------------------------------------------------------------------------------


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    found = [f"{p.relative_to(ROOT)}: {n}" for p, n in lengths.items() if n > MAX_FILE_LINES]
    assert not found, f"over {MAX_FILE_LINES} lines: {found}"


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, less the docstring: explaining more is never a fault."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_no_function_is_too_long() -> None:
    found = [
        f"{where(path, node)} {node.name}: {code_lines(node)}"
        for path in FILES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and code_lines(node) > MAX_FUNCTION_LINES
    ]
    assert not found, f"over {MAX_FUNCTION_LINES} lines without the docstring: {found}"


def test_a_long_file_has_one_idea() -> None:
    found = {
        within(path)
        for path in FILES
        if len(path.read_text(encoding="utf-8").splitlines()) > LONG_FILE_LINES
    }
    new = sorted(found - set(LONG_FILES))
    assert not new, f"over {LONG_FILE_LINES} lines: cut it, or name its one idea: {new}"
    assert not set(LONG_FILES) - found, "the allow-list has files that are long no more"


def reads_as_attribute(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A property or one of its setters; and an overload, which is the signature of another."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & {"property", "cached_property", "setter", "overload"})


def methods_of(tree: ast.ClassDef) -> list[str]:
    """The methods that a reader has to keep apart.

    Magic methods do what their names say and properties read as attributes: neither counts.
    """
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not re.fullmatch("__.*__", node.name)
        and not reads_as_attribute(node)
    ]


def test_methods_are_counted_without_magic_and_properties() -> None:
    code = """
class C:
    def __init__(self): ...
    @property
    def a(self): ...
    @a.setter
    def a(self, value): ...
    @classmethod
    def b(cls): ...
    def _c(self): ...
"""
    tree = ast.parse(code).body[0]
    assert isinstance(tree, ast.ClassDef)
    assert methods_of(tree) == ["b", "_c"]


def test_no_class_has_too_many_methods() -> None:
    counts = {
        f"{within(path)}:{node.name}": len(methods_of(node))
        for path in FILES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef)
    }
    found = {name: count for name, count in counts.items() if count > MAX_METHODS}
    assert not found, f"over {MAX_METHODS} methods: give some of its work to another: {found}"


# --- public names ---------------------------------------------------------------------------


def public_names(module: ModuleType) -> list[str]:
    assert hasattr(module, "__all__"), f"{module.__name__} has no __all__: its public names"
    return list(module.__all__)


def has_own_docstring(item: object) -> bool:
    """False for no docstring, and for the signature that a dataclass or named tuple makes up."""
    text = (getattr(item, "__doc__", None) or "").strip()
    made_up = inspect.isclass(item) and text.startswith(f"{item.__name__}(")
    return bool(text) and not made_up


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_resolves_and_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    names = public_names(module)
    assert len(names) == len(set(names)), "a name is listed twice"
    missing = [name for name in names if not hasattr(module, name)]
    assert not missing, f"{package}.__all__ names what {package} does not have: {missing}"
    items = {name: getattr(module, name) for name in names}
    # Constants and type aliases have no docstring of their own.
    explained = {
        name: item
        for name, item in items.items()
        if inspect.isclass(item) or inspect.isroutine(item) or inspect.ismodule(item)
    }
    undocumented = [name for name, item in explained.items() if not has_own_docstring(item)]
    assert not undocumented, f"no docstring of their own in {package}: {undocumented}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is_for(package: str) -> None:
    assert (importlib.import_module(package).__doc__ or "").strip()


# --- folders of methods -----------------------------------------------------------------------


def public_classes(package: str) -> Iterator[tuple[type, Path]]:
    """Each public class of a folder of methods, with the file that defines it."""
    module = importlib.import_module(f"plait.{package}")
    for name in public_names(module):
        item = getattr(module, name)
        if inspect.isclass(item):
            yield item, Path(inspect.getfile(item)).resolve()


def folder_of(package: str) -> Path:
    """The folder of a package below `plait`, such as "sharing.conditioning"."""
    return SOURCE.joinpath(*package.split("."))


def method_classes(package: str) -> Iterator[tuple[str, Path]]:
    """The methods: public classes that derive from one in `base.py`, and others at the top.

    What is there to be derived from is no method; it may lie among the `bases`.
    """
    classes = list(public_classes(package))
    bases = tuple(item for item, path in classes if path == folder_of(package) / "base.py")
    for item, path in classes:
        if is_base(item) or item in bases:
            continue
        if path.parent == folder_of(package) or issubclass(item, bases):
            yield item.__name__, path


@pytest.mark.parametrize("package", FAMILIES)
def test_the_top_of_a_folder_of_methods_holds_methods(package: str) -> None:
    """Whatever serves several methods is in a folder that is named by what it holds.

    A recipe serves one problem; what reads the files of that problem lies beside it, and its name
    begins with an underscore.
    """
    beside = package == "recipes"
    module = importlib.import_module(f"plait.{package}")
    homes = {
        getattr(getattr(module, name), "__module__", module.__name__)
        for name in public_names(module)
    }
    found = [
        within(path)
        for path in sorted(folder_of(package).glob("*.py"))
        if path.stem not in {"__init__", "base"}
        and module_of(path) not in homes
        and not (beside and path.stem.startswith("_"))
    ]
    assert not found, f"neither `base.py` nor the home of a public name: {found}"


@pytest.mark.parametrize("package", FAMILIES)
def test_each_method_has_a_file_of_its_name(package: str) -> None:
    found = [
        f"{name} is in {path.name}"
        for name, path in method_classes(package)
        if path.parent != folder_of(package) or path.stem.replace("_", "") != name.lower()
    ]
    assert not found, f"plait.{package}: the file has the method's name in snake case: {found}"


# --- mirrored tests -------------------------------------------------------------------------


def has_code(path: Path) -> bool:
    """Whether a file defines a function or a class; names that it only gathers are no code."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in ast.walk(parse(path)))


def mirrored(path: Path) -> Path:
    """The test of a source file: `tests/a/test_b.py` for `src/plait/a/b.py`."""
    folder = ROOT / "tests" / path.parent.relative_to(SOURCE)
    return folder / f"test_{path.stem.lstrip('_')}.py"


def test_every_file_with_code_has_a_mirrored_test() -> None:
    found = {
        within(path)
        for path in FILES
        if not path.stem.startswith("__") and has_code(path) and not mirrored(path).exists()
    }
    new = sorted(found - set(COVERED_ELSEWHERE))
    assert not new, f"no tests/<folder>/test_<file>.py for {new}"
    assert not set(COVERED_ELSEWHERE) - found, "the allow-list has files with a mirrored test"


# --- nobody asks a method for its name ------------------------------------------------------


def is_a_name(node: ast.expr) -> bool:
    """`name`, `x.name`, `x.__class__.__name__`, `type(x).__name__`; not the module's __name__."""
    if isinstance(node, ast.Name):
        return node.id == "name"
    return isinstance(node, ast.Attribute) and node.attr in {"name", "__name__", "__qualname__"}


def is_text(node: ast.expr) -> bool:
    """A string constant, or a literal collection that holds one."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(is_text(element) for element in node.elts)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def name_branches(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            equal = any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops)
            if equal and any(map(is_a_name, sides)) and any(map(is_text, sides)):
                yield node
        elif isinstance(node, ast.Match) and is_a_name(node.subject):
            patterns = (part for case in node.cases for part in ast.walk(case.pattern))
            if any(isinstance(part, ast.MatchValue) and is_text(part.value) for part in patterns):
                yield node


@pytest.mark.parametrize(
    "code",
    [
        "name == 'PCGrad'",
        "'PCGrad' != self.balancer.name",
        "balancer.__class__.__name__ == 'PCGrad'",
        "type(balancer).__name__ in ('PCGrad', 'UPGrad')",
        "match name:\n    case 'PCGrad' | 'UPGrad':\n        pass",
    ],
)
def test_a_name_branch_is_recognised(code: str) -> None:
    assert list(name_branches(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["__name__ == '__main__'", "name in weights", "name == other", "mode == 'prox'"]
)
def test_other_comparisons_are_no_name_branch(code: str) -> None:
    assert not list(name_branches(ast.parse(code)))


def test_no_branch_on_the_name_of_a_method() -> None:
    found = [
        where(path, node)
        for path in FILES
        if path.relative_to(SOURCE).parts[0] in NAMELESS
        for node in name_branches(parse(path))
    ]
    assert not found, f"a method declares what it needs; nobody asks its name: {found}"


# --- imports at run time --------------------------------------------------------------------


def loaded_by(statement: str) -> set[str]:
    """Modules that a statement adds, in a fresh interpreter, to what torch and NumPy load."""
    code = (
        "import json, sys, torch, numpy\n"
        "before = set(sys.modules)\n"
        f"{statement}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    run = python("-c", code)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_importing_plait_loads_nothing_but_itself() -> None:
    """Its names load on first use, so that `plait --help` does not wait for torch."""
    code = "import sys, plait; print(*sys.modules)"
    loaded = python("-c", code).stdout.split()
    assert not {"torch", "numpy"} & set(loaded)
    assert {name for name in loaded if name.startswith("plait.")} == {
        "plait.core",
        "plait.core.lazy",
    }


@pytest.mark.parametrize(
    "statement", ["import plait", "import plait.balancing", "import plait; plait.backward"]
)
def test_the_gradient_side_loads_torch_and_numpy_alone(statement: str) -> None:
    top = {module.partition(".")[0] for module in loaded_by(statement)}
    assert not top & NOT_FOR_GRADIENTS


# --- nothing left for later -----------------------------------------------------------------


def test_no_note_of_work_left_to_do() -> None:
    note = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted(SOURCE.rglob("*"))
        if path.suffix in {".py", ".j2", ".yaml"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if note.search(line)
    ]
    assert not found, f"finish it or open an issue: {found}"
