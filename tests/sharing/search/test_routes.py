"""The pieces of a tree of modules, against matrices."""

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.sharing.search.routes import Block, Routes, check_routes, followed, mixed


def test_a_block_runs_its_stages_functions_among_them() -> None:
    first, last = nn.Linear(3, 4), nn.Linear(4, 2)
    block = Block([first, torch.tanh, last])
    x = torch.randn(5, 3)
    torch.testing.assert_close(block(x, None), last(first(x).tanh()))
    assert len(list(block.parameters())) == 4


def routes() -> Routes:
    made = Routes(["x", "a"], 3)
    for logits in made.logits.values():
        nn.init.normal_(logits)
    return made


def test_in_the_warm_up_all_are_read_equally() -> None:
    weights = routes()(torch.tensor(1.0), torch.tensor(False))
    for each in weights:
        torch.testing.assert_close(each, torch.full((3,), 1 / 3))


def test_a_sample_at_a_low_temperature_is_one_choice() -> None:
    made = routes()
    for each in made(torch.tensor(1e-4), torch.tensor(True)):
        assert each.sum().item() == pytest.approx(1.0, abs=1e-5)
        assert each.max().item() == pytest.approx(1.0, abs=1e-3)


def test_choices_follow_their_probabilities() -> None:
    """Of many samples, each choice has the share that softmax of the logits gives it."""
    made, draws = routes(), 4000
    counts = torch.zeros(2, 3)
    for _ in range(draws):
        rows = torch.stack(made(torch.tensor(1e-3), torch.tensor(True)))
        counts += nn.functional.one_hot(rows.argmax(dim=1), 3)
    expected = torch.stack([made.logits[key] for key in ("x", "a")]).softmax(dim=-1)
    torch.testing.assert_close(made.shares(), expected.detach())
    deviation = (expected * (1 - expected) / draws).sqrt()
    assert ((counts / draws - expected).abs() < 4.5 * deviation).all()


def test_the_likeliest_is_best_and_the_first_of_equals() -> None:
    made = Routes(["x", "a"], 3)
    with torch.no_grad():
        made.logits["a"][2] = 1.0
    assert made.best() == [0, 2]


def as_matrix(rows: list[dict[int, Tensor | None]], width: int) -> Tensor:
    matrix = torch.zeros(len(rows), width)
    for i, row in enumerate(rows):
        for j, weight in row.items():
            matrix[i, j] = 1.0 if weight is None else weight
    return matrix


def test_rows_of_two_levels_compose_as_matrices_do() -> None:
    lower = [dict(enumerate(torch.rand(2).unbind())), {1: None}, {0: torch.tensor(0.25)}]
    upper = [dict(enumerate(torch.rand(3).unbind())), {1: None}, {2: None}]
    found = as_matrix([dict(followed(row, lower)) for row in upper], 2)
    torch.testing.assert_close(found, as_matrix(upper, 3) @ as_matrix(lower, 2))
    assert followed({1: None}, lower) == {1: None}  # the whole of one stays the whole of one


def test_a_reader_gets_the_weighted_sum_or_the_output_itself() -> None:
    outputs = {0: torch.randn(2, 3), 2: torch.randn(2, 3)}
    weights = torch.tensor([0.25, 0.75])
    expected = 0.25 * outputs[0] + 0.75 * outputs[2]
    torch.testing.assert_close(mixed({0: weights[0], 2: weights[1]}, outputs), expected)
    assert mixed({2: None}, outputs) is outputs[2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[0, 0]], "must have 2 lists"),
        (7, "must have 2 lists"),
        ([[0, 0], [0]], r"one module for each of the 2 tasks \(a, b\); found \[0\]"),
        ([[0, -1], [0, 1]], r"`routes`\[0\] .* whole and not negative"),
        ([[0, 1], [0, 2]], r"`routes`\[1\] must name modules by numbers of 0\.\.1"),
        ([[0, True], [0, 1]], "found True"),
    ],
)
def test_routes_that_fit_no_tree_are_refused(given: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_routes(given, 2, ["a", "b"])


def test_routes_that_fit_pass() -> None:
    check_routes([[0, 0, 1], [2, 0]], 2, ["a", "b"])
