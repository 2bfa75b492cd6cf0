from plait.recipes import MultiFashion
from tests.recipes.real_data import real


def test_the_real_data() -> None:
    recipe = MultiFashion(data=real("fashion-mnist", "fashion_mnist_8k.npz"))
    splits = recipe.splits()
    assert [len(data) for data in splits.values()] == [6667, 1333, 10_000]  # type: ignore[arg-type]
    assert [task.names[-1] for task in recipe.tasks()] == ["ankle boot"] * 2
