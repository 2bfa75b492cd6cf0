"""Names are checked before data are read, by the words of the methods themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments import build_job, open_problem, validate, with_defaults
from plait.experiments.build.known import check_methods
from plait.experiments.config import RunConfig
from tests.experiments.tiny import TINY, Doubled, count_reads
from tests.recipes.a_table import settings as of_a_table
from tests.recipes.a_table import table


def config(**settings: Any) -> RunConfig:
    return validate(with_defaults({"recipe": TINY, **settings}))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"balancing": {"class": "UPGrad", "c": 1}}, "UPGrad has no option 'c'; it takes: preference"),
    ({"balancing": {"class": "CRMOGM", "method": "CAGrda"}}, "option 'method': unknown balancer"),
    (
        {"balancing": {"class": "CRMOGM", "method": {"class": "CAGrad", "b": 1}}},
        "balancer CAGrad has no option 'b'; it takes: c, rescale",
    ),
    ({"balancing": "tests.experiments.tiny:Double"}, "cannot import balancer"),
    ({"balancing": f"{TINY}"}, "is no balancer: it must be a subclass of Balancer"),
    ({"sharing": {"class": "MMoE", "expert": 2}}, "sharing MMoE has no option 'expert'"),
    ({"sharing": {"class": "MMoE", "encoder": 2}}, "sharing MMoE has no option 'encoder'"),
    (
        {"sharing": {"class": "Conditioned", "by": {"class": "LoRa"}}},
        "sharing Conditioned, option 'by': unknown conditioning 'LoRa'; .*Did you mean 'LoRA'",
    ),
    ({"connections": ["CrossStitch", {"class": "Hint", "a": 1}]}, "Hint has no option 'a'"),
    ({"regularization": {"class": "PairwiseL2", "a": 1}}, "PairwiseL2 has no option 'a'"),
    ({"encoder": {"class": "ConvEncoder", "width": 1}}, "Did you mean 'widths'"),
    ({"encoder": "MLPEncoder"}, "encoder MLPEncoder needs the option 'in_features'"),
    ({"encoder": {"class": "TabularEncoder"}}, "TabularEncoder needs the option 'columns'"),
    ({"optimizer": "Adm"}, "unknown optimizer 'Adm'; .*Did you mean 'Adam'"),
    ({"optimizer": {"class": "SGD", "momentun": 1}}, "Did you mean 'momentum'"),
    ({"scheduler": "StepLr"}, "unknown scheduler 'StepLr'; .*Did you mean 'StepLR'"),
    ({"scheduler": {"class": "StepLR", "step": 1}}, "scheduler StepLR has no option 'step'"),
    ({"scheduler": "StepLR"}, "scheduler StepLR needs the option 'step_size'"),
]


@pytest.mark.parametrize(("settings", "said"), WRONG, ids=str)
def test_a_wrong_name_is_told_before_data_are_read(
    settings: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = count_reads(monkeypatch)
    with pytest.raises(ConfigError, match=said):
        open_problem(config(**settings))
    assert not read


@pytest.mark.parametrize(("settings", "said"), WRONG, ids=str)
def test_it_is_what_building_would_tell(
    settings: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words: the check is a part of what is done anyway, only earlier."""
    told = [str(_refused(lambda: check_methods(config(**settings))))]
    monkeypatch.setattr("plait.experiments.build.problem.check_methods", lambda config: None)
    told.append(str(_refused(lambda: build_job(config(**settings), Path("no-run")))))
    assert told[0] == told[1]


def _refused(build: Callable[[], Any]) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        build()
    return refused.value


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"balancing": {"class": "tests.experiments.tiny:Doubled", "factor": 3.0}},
        {"balancing": {"class": "CRMOGM", "method": {"class": "CAGrad", "c": 0.4}}},
        {"sharing": {"class": "Conditioned", "by": {"class": "LoRA", "rank": 2}}},
        {"encoder": {"class": "ConvEncoder", "in_channels": 1}},
        {"optimizer": {"class": "AdamW", "lr": 0.1, "weight_decay": 0.0, "amsgrad": True}},
        {"scheduler": {"class": "OneCycleLR", "max_lr": 0.1}},
        {"scheduler": "ReduceLROnPlateau"},
    ],
    ids=str,
)
def test_what_a_run_can_have_passes(settings: dict[str, Any]) -> None:
    check_methods(config(**settings))


class Never(Doubled):
    """A balancer that cannot be built."""

    def __init__(self) -> None:
        raise AssertionError("it was built")


def test_nothing_is_built() -> None:
    """Values are the constructors' to judge, and these may take long or draw random numbers."""
    check_methods(config(balancing=f"{__name__}:Never"))


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        ("TabularEncoder", ""),
        ({"class": "TabularEncoder", "columns": 3}, ""),
        ({"class": "TabularEncoder", "blokcs": 3}, "has no option 'blokcs'; .*Did you mean"),
        ("MLPEncoder", ""),  # the size of a single column may be what it lacks
        ({"class": "MLPEncoder", "width": 3}, "no option 'width'; it takes: in_features, widths"),
    ],
)
def test_an_encoder_of_a_table_is_given_the_columns(
    encoder: Any, said: str, tmp_path: Path
) -> None:
    table().to_csv(tmp_path / "table.csv", index=False)
    settings = validate(of_a_table(table=str(tmp_path / "table.csv"), encoder=encoder))
    if said:
        with pytest.raises(ConfigError, match=said):
            check_methods(settings)
    else:
        check_methods(settings)


def test_stems_and_the_mixing_of_sources() -> None:
    def of_two(stem: Any, **settings: Any) -> RunConfig:
        sources = {"a": {"recipe": TINY, "stem": stem}, "b": {"recipe": TINY}}
        return validate({"recipe": "Combined", "sources": sources, **settings})

    right = {"class": "ConvEncoder", "in_channels": 1}
    check_methods(of_two(right, mixing={"class": "Temperature", "tau": 2.0}))
    with pytest.raises(ConfigError, match="encoder ConvEncoder has no option 'in_channel'"):
        check_methods(of_two({"class": "ConvEncoder", "in_channel": 1}))
    with pytest.raises(ConfigError, match="mixing policy Temperature has no option 'tua'"):
        check_methods(of_two(right, mixing={"class": "Temperature", "tua": 2.0}))
