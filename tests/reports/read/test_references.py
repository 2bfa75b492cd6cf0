"""The methods of a configuration, and their papers, without importing them."""

import subprocess
import sys

import plait.balancing
import plait.connections
from plait.core.docstrings import part_of
from plait.reports.read.references import methods_of, reference_of


def test_the_methods_of_a_configuration_are_named_once() -> None:
    config = {
        "recipe": {"class": "digits", "scenes": 10},
        "sharing": {"class": "MMoE", "experts": 3, "by": {"class": "Film"}},
        "connections": [{"class": "CrossStitch"}, {"class": "Hint"}, {"class": "Hint"}],
        "balancing": "UPGrad",
        "encoder": None,
        "optimizer": {"class": "AdamW"},
    }
    names = ["digits", "MMoE", "Film", "CrossStitch", "Hint", "UPGrad"]
    assert methods_of(config) == names
    assert methods_of({"balancer": {"class": "CAGrad", "c": 0.5}}) == ["CAGrad"]


def test_a_reference_is_that_of_the_docstring() -> None:
    assert reference_of("UPGrad") == part_of(plait.balancing.UPGrad, "Reference")
    assert reference_of("CrossStitch") == part_of(plait.connections.CrossStitch, "Reference")


def test_what_is_not_of_plait_has_none() -> None:
    assert reference_of("my.own:Method") == reference_of("AdamW") == ""


def test_no_method_is_imported() -> None:
    code = (
        "import sys\nfrom plait.reports.read.references import reference_of\n"
        "assert reference_of('MMoE')\nassert 'torch' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
