from plait.recipes import MultiMnist
from tests.recipes.real_data import real


def test_the_real_data() -> None:
    recipe = MultiMnist(data=real("mnist", "mnist.npz"), pairs=1000)
    splits = recipe.splits()
    assert [len(data) for data in splits.values()] == [1000, 10_000, 10_000]  # type: ignore[arg-type]
    assert [task.names for task in recipe.tasks()] == [list("0123456789")] * 2
    image, _ = splits["test"][0]
    assert 0.1 < float((image > 0).float().mean()) < 0.4
