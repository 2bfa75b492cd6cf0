"""Every balancing method is either made, or the reason is given."""

import plait.balancing
from plait.balancing import Balancer
from plait.core.lookup import names
from plait.experiments.reproduce import balancing_methods


def test_every_method_is_there() -> None:
    found = balancing_methods()
    assert list(found) == names(plait.balancing, Balancer)
    made = [name for name, method in found.items() if isinstance(method, Balancer)]
    assert len(made) >= 30
    assert {"Equal", "MGDA", "PCGrad", "CAGrad", "NashMTL", "FAMO", "UPGrad"} <= set(made)


def test_those_that_need_more_batches_say_so() -> None:
    found = balancing_methods()
    refused = {name for name, method in found.items() if isinstance(method, str)}
    assert refused == {"AutoLambda", "FORUM", "MOML", "MoDo"}
