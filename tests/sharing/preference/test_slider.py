"""The preference of the present pass."""

import copy

import pytest
import torch

from plait.core.errors import ConfigError
from plait.sharing.preference.slider import Slider


def test_all_are_preferred_equally_until_something_is_drawn_or_chosen() -> None:
    slider = Slider(["a", "b", "c", "d"])
    for mode in (True, False):
        assert torch.equal(slider.train(mode)(), torch.full((4,), 0.25))
    assert slider.factors() == {}
    assert slider.train().factors() == dict.fromkeys("abcd", 0.25)
    assert not slider.state_dict()


def test_a_draw_is_for_training_and_a_choice_for_evaluation() -> None:
    slider = Slider(["a", "b"])
    slider.set_progress(0.5)
    assert not torch.equal(slider(), torch.full((2,), 0.5))
    with slider.at({"a": 3}):
        drawn = slider()
        torch.testing.assert_close(drawn, torch.tensor(list(slider.factors().values())))
        assert torch.equal(slider.eval()(), torch.tensor([0.75, 0.25]))
        with slider.at({"a": 0}):
            assert torch.equal(slider(), torch.tensor([0.0, 1.0]))
        assert torch.equal(slider(), torch.tensor([0.75, 0.25]))
    assert torch.equal(slider(), torch.full((2,), 0.5))
    with pytest.raises(ZeroDivisionError), slider.at({"a": 0}):
        _ = 1 / 0
    assert torch.equal(slider(), torch.full((2,), 0.5))
    with pytest.raises(ConfigError, match="unknown task"), slider.at({"c": 2}):
        pass


def test_a_draw_is_a_function_of_the_global_generator() -> None:
    one, two = Slider(["a", "b", "c"]), Slider(["a", "b", "c"])
    torch.manual_seed(3)
    one.set_progress(0.0)
    after = torch.get_rng_state()
    torch.manual_seed(3)
    two.set_progress(0.9)  # without annealing the progress does not matter
    assert torch.equal(one(), two())
    assert torch.equal(torch.get_rng_state(), after)
    one.set_progress(0.0)
    assert not torch.equal(one(), two())


@pytest.mark.parametrize("concentration", [0.3, 1.0, 4.0])
def test_draws_have_the_moments_of_the_dirichlet_distribution(concentration: float) -> None:
    """Mean 1/T, variance (T - 1) / (T^2 (T c + 1))."""
    torch.manual_seed(0)
    slider, count, tasks = Slider(["a", "b", "c"], concentration), 2000, 3
    draws = torch.empty(count, tasks, dtype=torch.float64)
    for row in draws:
        slider.set_progress(0.0)
        row.copy_(torch.tensor(list(slider.factors().values())))
    torch.testing.assert_close(draws.sum(1), torch.ones(count, dtype=torch.float64))
    variance = (tasks - 1) / (tasks**2 * (tasks * concentration + 1))
    error = 4 * (variance / count) ** 0.5
    assert (draws.mean(0) - 1 / tasks).abs().max() < error
    assert draws.var(0).mean() == pytest.approx(variance, rel=0.15)


def test_annealing_goes_from_equal_preferences_to_single_tasks() -> None:
    plain, slider = Slider(["a", "b", "c"]), Slider(["a", "b", "c"], annealing=5.0)
    for progress in (0.0, 0.2, 1.0):
        torch.manual_seed(1)
        plain.set_progress(progress)
        torch.manual_seed(1)
        slider.set_progress(progress)
        powers = [share ** (5 * progress) for share in plain.factors().values()]
        wanted = [power / sum(powers) for power in powers]
        assert list(slider.factors().values()) == pytest.approx(wanted)


def test_the_smallest_concentration_gives_shares() -> None:
    for annealing in (None, 5.0):
        slider = Slider(["a", "b", "c"], 1e-4, annealing)
        for progress in torch.linspace(0, 1, 30).tolist():
            slider.set_progress(progress)
            assert sum(slider.factors().values()) == pytest.approx(1.0)


def test_follows_the_model() -> None:
    slider = Slider(["a", "b"]).double()
    slider.set_progress(0.1)
    assert slider().dtype == torch.float64
    with slider.at({"a": 2}):
        torch.testing.assert_close(slider.eval()(), torch.tensor([2 / 3, 1 / 3]).double())
        twin = copy.deepcopy(slider)
    torch.testing.assert_close(twin(), torch.tensor([2 / 3, 1 / 3]).double())
