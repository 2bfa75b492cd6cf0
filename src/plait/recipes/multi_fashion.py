"""Multi-Fashion: two garments over each other."""

from __future__ import annotations

from plait.recipes._image_pairs import ImagePairs


class MultiFashion(ImagePairs):
    """Two garments over each other: what is at the top left, and what at the bottom right?

    Tasks: `top_left` and `bottom_right`, ten classes each, from T-shirt to ankle boot. The pairs
    are made as in `MultiMnist`. The garments cover far more of each other than digits do, and both
    tasks are harder.

    Args:
        data: the folder with `fashion_mnist.npz`, with `fashion_mnist_8k.npz` (the first 8,000
            training images; arrays `x_train`, `y_train`, `x_test`, `y_test` in both), or with the
            four files of the original distribution, `train-images-idx3-ubyte.gz` and so on.
        pairs: for training, at most; one of each training image by default.
        network: "blocks", three convolutions with batch normalisation, by default; or "lenet", the
            smaller network of the reference.
        seed: of which images come together.

    Raises:
        ConfigError: an option outside its range.
        DataError: a file is missing or damaged.

    Licence: MIT (Fashion-MNIST, by Zalando SE).

    Reference: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
        Learning Algorithms", arXiv:1708.07747, 2017; as pairs: Lin, Zhen, Li, Zhang, Kwong, "Pareto
        Multi-Task Learning", NeurIPS 2019.
    """

    archives = ("fashion_mnist.npz", "fashion_mnist_8k.npz")
    names = (
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
