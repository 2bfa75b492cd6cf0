"""Bad input: one message that names the thing and the next step, exit code 2, no file touched."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from plait.experiments.overrides import merge, parse
from tests.cli.shell import plait
from tests.experiments.tiny import TINY, tree
from tests.recipes.pet_folders import (
    BREEDS,
    Damage,
    edited,
    rewrite,
    rows,
    write,
    write_official,
    write_pets3,
    write_table,
    write_tar,
    wrong_mask,
)

FAST = ("epochs=1", "batch_size=4", "gallery=0")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def refused(folder: Path, *arguments: object, made: str = "") -> str:
    """Runs a command that has to be refused; returns its message.

    Args:
        folder: its files have to stay as they are.
        arguments: of the command.
        made: a folder that the command may add, because it was found only in training.
    """
    before = tree(folder)
    ran = plait(*arguments)
    assert ran.code == 2, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    after = tree(folder)
    added = {name for name in after if made and name.startswith(f"{made}/")} - before.keys()
    assert {name: digest for name, digest in after.items() if name not in added} == before
    assert made == "" or added
    return ran.err


def error_of(text: str) -> str:
    """The message after what was shown of the progress: the only lines that plait says."""
    start = text.index("plait: error: ")
    assert text.count("plait: error: ") == 1
    return text[start + len("plait: error: ") :].rstrip("\n")


def assert_says(text: str, words: str) -> None:
    assert re.search(words, text), text
    assert "\n" not in text, "one line"


# --- data -----------------------------------------------------------------------------------


def test_a_missing_data_folder(tmp_path: Path) -> None:
    text = error_of(refused(tmp_path, "train", "pets", "--data", "nowhere", "--out", "run"))
    assert "the data folder nowhere must hold pets3_224.tar, labels.csv" in text
    assert "there is no such folder. Give the folder that the data were put in." in text


def test_no_data_folder_named(tmp_path: Path) -> None:
    text = error_of(refused(tmp_path, "train", "pets"))
    assert text == "recipe Pets reads a data folder; name it with --data DIR."


PETS3: list[tuple[str, Damage, str]] = [
    (
        "image without mask",
        lambda folder: write_tar(folder, "masks/Bengal_6.png"),
        "'Bengal_6' is listed but has no mask: masks/Bengal_6.png in .* is missing. Add the file",
    ),
    (
        "mask without image",
        lambda folder: write_tar(folder, "images/Bengal_6.jpg"),
        "'Bengal_6' is listed but has no image",
    ),
    (
        "label file with an unknown class",
        edited(3, "breed", "Abysinian"),
        "labels.csv, line 5: unknown breed 'Abysinian'; .* Did you mean 'Abyssinian'",
    ),
    (
        "label file with a wrong class number",
        edited(3, "breed_id", "7"),
        "the class of Abyssinian must be 0; found '7'",
    ),
    (
        "empty split",
        lambda folder: write_table(folder, rows()[:2]),
        "the val split is empty; 2 photos are listed .* list at least four of one breed",
    ),
    (
        "no photo at all",
        lambda folder: write_table(folder, []),
        "the train split is empty",
    ),
    (
        "truncated archive",
        lambda folder: (folder / "pets3_224.tar").write_bytes(b"x" * 700),
        "must be a whole tar archive, plain or packed with xz; .* Copy or download it again",
    ),
]


@pytest.mark.parametrize(
    ("damage", "words"), [each[1:] for each in PETS3], ids=[each[0] for each in PETS3]
)
def test_broken_folders_of_three_breeds(damage: Damage, words: str, tmp_path: Path) -> None:
    damage(write_pets3(tmp_path / "pets"))
    text = refused(tmp_path, "train", "pets", *FAST, "--data", "pets", "--out", "run")
    assert_says(error_of(text), words)


MASKS = [f"annotations/trimaps/{breed}_{i}.png" for breed in BREEDS.values() for i in range(6)]


def every_mask(content: bytes) -> Damage:
    """Any photo may be the one that is read first."""

    def damage(root: Path) -> None:
        for mask in MASKS:
            (root / mask).write_bytes(content)

    return damage


OFFICIAL: list[tuple[str, Damage, str]] = [
    (
        "mask with a class outside the range",
        every_mask(wrong_mask(4)),
        r"mask .*trimaps/.*_\d\.png must have the values 1 .* found 4\. Is it a mask of another",
    ),
    (
        "truncated mask",
        every_mask(wrong_mask(1)[:50]),
        r"trimaps/.*_\d\.png must be a whole JPEG or PNG image; .* Copy or download it again",
    ),
    (
        "image without mask",
        lambda root: (root / MASKS[0]).unlink(),
        "'Abyssinian_0' is listed but has no mask: .*Abyssinian_0.png is missing",
    ),
    (
        "label file with an unknown class",
        rewrite("annotations/test.txt", "Abyssinian_5 1", "Persian_5 9"),
        "test.txt, line 1: class 9 of 'Persian_5' is unknown",
    ),
    (
        "label file with something else",
        write("annotations/trainval.txt", "what\n"),
        "trainval.txt, line 1 must be `NAME CLASS-ID SPECIES BREED-ID`; found 'what'",
    ),
    (
        "a name that leaves the folder",
        rewrite("annotations/test.txt", "Abyssinian_5", "../../secret_5"),
        "no folders",
    ),
]


@pytest.mark.parametrize(
    ("damage", "words"), [each[1:] for each in OFFICIAL], ids=[each[0] for each in OFFICIAL]
)
def test_broken_folders_in_the_official_layout(damage: Damage, words: str, tmp_path: Path) -> None:
    damage(write_official(tmp_path / "pets"))
    words_of_run = ("recipe.size=16", "tasks=[breed, mask]", *FAST)
    text = refused(
        tmp_path, "train", "oxford-pets", *words_of_run, "--data", "pets", "--out", "run"
    )
    assert_says(error_of(text), words)


@pytest.mark.parametrize(
    ("recipe", "words", "made"),
    [
        ("EmptySplit", "a split must have at least one example; found none. Check the data", ""),
        (
            "WrongClass",
            r"labels of task 'mask' must be .* found 7",
            "",  # they are counted with the first example, before there is a run
        ),
        (
            "WrongShape",
            r"task 'mask': labels \[8, 7, 7\] .*; the head gives \[8, 2, 8, 8\]\. Check the labels",
            "run",
        ),
        (
            "Unlabelled",
            "task spot has no valid label in the training data.* Check the labels' names",
            "run",
        ),
        (
            "NotFinite",
            r"step [123]: the loss of task 'quarter' is nan.*; nothing was changed\. (All|Lower)",
            "run",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:on the validation data, .* because there is no label")
def test_labels_and_losses_that_break_a_rule(
    recipe: str, words: str, made: str, tmp_path: Path
) -> None:
    """What is found in training leaves the run folder, and nothing else."""
    path = f"tests.experiments.tiny:{recipe}"
    text = refused(tmp_path, "train", path, "epochs=1", "--out", "run", made=made)
    assert_says(error_of(text), words)


@pytest.mark.parametrize("rate", ["1e20", "1e30"])
def test_a_loss_that_becomes_infinite(rate: str, tmp_path: Path) -> None:
    words = (f"optimizer.lr={rate}", "optimizer.momentum=0", "--out", "run")
    text = refused(tmp_path, "train", TINY, *words, made="run")
    assert_says(error_of(text), r"step [1-9]: the (loss|gradient) .*not finite|is (nan|inf)")
    assert_says(error_of(text), "task '(quarter|mask|spot)'|every loss")


# --- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("epoch=3",), r"unknown setting 'epoch'\. Did you mean 'epochs'\?"),
        (("epochs=many",), "setting 'epochs': .* integer.*; found 'many'"),
        (("epochs=0",), "setting 'epochs': .*; found 0"),
        (("tasks=[spot",), r"the value of 'tasks' is not valid YAML"),
        (("tasks=[sopt]",), "unknown task 'sopt'; known: .*Did you mean 'spot'"),
        (("tasks.sopt.weight=2",), "unknown task 'sopt'; known: .*Did you mean 'spot'"),
        (("balancing=PCGard",), "unknown balancer 'PCGard'; known: .*Did you mean 'PCGrad'"),
        (("balancing=nowhere:Balancer",), "cannot import balancer 'nowhere:Balancer'"),
        (
            ("balancing=PCGrad", "balancing.reducton=mean"),
            "balancer PCGrad has no option 'reducton'; .*Did you mean 'reduction'",
        ),
        (("sharing=hard",), "unknown sharing 'hard'; .*Did you mean 'Hard'"),
        (("optimizer=Adamw",), "unknown optimizer 'Adamw'; .*Did you mean 'AdamW'"),
        (("optimizer.momentm=1",), "optimizer SGD has no option 'momentm'; .*'momentum'"),
        (("scheduler=StepLR",), "scheduler StepLR needs the option 'step_size'"),
        (("recipe.exampels=3",), "recipe Tiny has no option 'exampels'; .*'examples'"),
        (("rule=skil",), "unknown rule 'skil'; .*Did you mean 'skill'"),
        (("device=cup",), "`device` 'cup' cannot be used: .* Try 'auto' or 'cpu'"),
        (("--data", "x"), "recipe Tiny brings its own data; leave out --data"),
        (("none.yaml",), "name one problem, .* found '.*Tiny' and 'none.yaml'"),
        (("epochs",), "name one problem, and settings as key=value; found '.*Tiny' and 'epochs'"),
    ],
)
def test_settings_that_do_not_fit(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    text = refused(tmp_path, "train", TINY, *arguments, "--out", "run")
    assert_says(error_of(text), words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digit", "unknown recipe 'digit'; known: adult, .*Did you mean 'digits'"),
        ("nowhere:Recipe", "cannot import recipe 'nowhere:Recipe': .* Is it on the Python path"),
        ("tests.experiments.tiny:Doubled", "must be a subclass of Recipe"),
    ],
)
def test_unknown_recipes(name: str, words: str, tmp_path: Path) -> None:
    assert_says(error_of(refused(tmp_path, "train", name)), words)


def test_no_recipe(tmp_path: Path) -> None:
    text = error_of(refused(tmp_path, "train", "epochs=3"))
    assert_says(text, "name a recipe, such as `plait train digits`, or a file of settings")


@pytest.mark.parametrize("scenes", ["0", "-5", "many", "2.5"])
def test_options_of_the_digits(scenes: str, tmp_path: Path) -> None:
    for command in (("demo",), ("train", "digits")):
        text = refused(tmp_path, *command, f"recipe.scenes={scenes}")
        assert_says(error_of(text), "`scenes` must be (at least 1|a whole number); found")


def test_all_wrong_settings_at_once(tmp_path: Path) -> None:
    text = error_of(refused(tmp_path, "train", TINY, "epoch=3", "batchsize=4", "clip=-1"))
    assert len(text.splitlines()) == 3
    for words in ("Did you mean 'epochs'", "Did you mean 'batch_size'", "'clip'"):
        assert words in text


@pytest.mark.parametrize("content", ["a: [1", "- 1\n", "epoch: 3\nrecipe: digits\n"])
def test_a_broken_configuration_file(content: str, tmp_path: Path) -> None:
    Path("run.yaml").write_text(content)
    assert error_of(refused(tmp_path, "train", "run.yaml"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("trian",),
        ("train", "--otu", "x"),
        ("train", TINY, "--out"),
        ("train", TINY, "--nope"),
        ("report",),
        ("report", "a", "b"),
        ("list", "a", "b"),
        ("demo", "--data", "x"),
        ("--nope",),
    ],
)
def test_unknown_commands_and_options(arguments: tuple[str, ...], tmp_path: Path) -> None:
    text = refused(tmp_path, *arguments)
    assert len(text.splitlines()) == 1
    assert error_of(text).endswith("See `plait --help`.")


def test_did_you_mean_for_a_command(tmp_path: Path) -> None:
    assert "Did you mean 'train'?" in refused(tmp_path, "trian")


def test_an_unknown_family(tmp_path: Path) -> None:
    text = error_of(refused(tmp_path, "list", "balancer"))
    assert_says(text, "unknown family or method 'balancer'; .*Did you mean 'balancing'")


# --- run folders and checkpoints ------------------------------------------------------------


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    assert plait("train", TINY, "epochs=1", "--out", "run").code == 0
    return tmp_path / "run"


def test_a_folder_that_holds_a_run(run_folder: Path, tmp_path: Path) -> None:
    for command in (("train", TINY), ("demo",)):
        text = error_of(refused(tmp_path, *command, "--out", "run"))
        assert_says(text, "run already holds a run; nothing in it was touched. Name another folder")


def test_a_folder_that_holds_a_comparison(tmp_path: Path) -> None:
    Path("both/seed-0/shared").mkdir(parents=True)
    Path("both/seed-0/shared/events.jsonl").write_text("precious")
    ran = plait("demo", "--families", "--out", "both")
    assert ran.code == 2
    assert "shared holds something else than a run of settings" in ran.err
    assert Path("both/seed-0/shared/events.jsonl").read_text() == "precious"


def test_out_is_a_file(tmp_path: Path) -> None:
    Path("notes.txt").write_text("mine")
    few = ("recipe.scenes=1", "recipe.size=32")
    for command in (("train", TINY), ("demo", *few)):
        text = error_of(refused(tmp_path, *command, "--out", "notes.txt"))
        assert_says(text, r"the run folder notes\.txt.* cannot be made: .*Name another with --out")


def test_resuming_what_is_no_run(run_folder: Path, tmp_path: Path) -> None:
    Path("empty").mkdir()
    for folder in ("empty", "nowhere"):
        text = error_of(refused(tmp_path, "train", "--resume", folder))
        assert_says(text, f"{folder} holds no run to resume .* Name a run folder")


def test_resuming_takes_no_other_settings(run_folder: Path, tmp_path: Path) -> None:
    for more in ((TINY,), ("--out", "x"), ("run/config.yaml",), ("--data", "x")):
        text = error_of(refused(tmp_path, "train", *more, "--resume", "run"))
        assert_says(text, "--resume goes on with its run; leave out everything but key=value")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("optimizer.lr=0.5", "`optimizer.lr` was 0.05 and is now 0.5"),
        ("optimizer=Adam", "`optimizer` was SGD and is now Adam"),
        ("seed=7", "`seed` was 0 and is now 7"),
        ("clip=2.5", "`clip` was None and is now 2.5"),
        ("batch_size=3", "`batch_size` was 8 and is now 3"),
        ("balancing=PCGrad", "`balancing` was Equal and is now PCGrad"),
        ("freeze=['sharing.*']", "`freeze` was"),
        ("epoch=3", "unknown setting 'epoch'. Did you mean 'epochs'"),
    ],
)
def test_resuming_with_another_setting(
    word: str, said: str, run_folder: Path, tmp_path: Path
) -> None:
    """As a word, or edited in the file."""
    assert_says(error_of(refused(tmp_path, "train", "--resume", "run", word)), said)
    path = run_folder / "config.yaml"
    path.write_text(yaml.safe_dump(merge(yaml.safe_load(path.read_text()), parse([word]))))
    assert_says(error_of(refused(tmp_path, "train", "--resume", "run")), said)


CHECKPOINTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "cut at the end": lambda content: content[:-10],
    "foreign": lambda content: b"GIF89a something else",
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_broken_checkpoint(kind: str, run_folder: Path, tmp_path: Path) -> None:
    path = run_folder / "checkpoints/last.pt"
    path.write_bytes(CHECKPOINTS[kind](path.read_bytes()))
    text = error_of(refused(tmp_path, "train", "--resume", "run"))
    assert_says(text, r"run/checkpoints/last\.pt is truncated, damaged or no checkpoint of plait: ")
    assert_says(text, "Delete it and resume from another one, or train again")


def test_a_missing_checkpoint(run_folder: Path, tmp_path: Path) -> None:
    (run_folder / "checkpoints/last.pt").unlink()
    text = error_of(refused(tmp_path, "train", "--resume", "run"))
    assert_says(
        text, "there is no checkpoint run/checkpoints/last.pt. Train first, or name another"
    )


def test_the_checkpoint_of_other_settings(run_folder: Path, tmp_path: Path) -> None:
    path = run_folder / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(settings | {"balancing": {"class": "PCGrad"}}))
    text = error_of(refused(tmp_path, "train", "--resume", "run"))
    assert_says(text, "`balancing` was Equal and is now PCGrad. Resume it with the old ones")


def test_a_report_of_what_is_no_run(tmp_path: Path) -> None:
    Path("empty").mkdir()
    for folder in ("empty", "nowhere"):
        assert folder in error_of(refused(tmp_path, "report", folder))


# --- a missing extra ------------------------------------------------------------------------


def test_without_the_extra_the_pip_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    text = error_of(refused(tmp_path, "list"))
    assert_says(text, r"needs typer, which is not installed: pip install 'plait\[app\]'")
