"""Multi-MNIST: two handwritten digits over each other."""

from __future__ import annotations

from plait.recipes._image_pairs import ImagePairs


class MultiMnist(ImagePairs):
    """Two handwritten digits over each other: which is at the top left, which at the bottom right?

    Tasks: `top_left` and `bottom_right`, ten classes each. One digit lies at (0, 0) of a canvas of
    36 x 36 and another at (6, 6), the brighter of both is seen at each pixel, and the canvas is
    resized to 28 x 28. Each of the 60,000 images of MNIST is the first digit of one pair: 50,000
    for training and 10,000, the last ones, for validation; the test has a pair of each of the
    10,000 test images. A pair is of images of one split, so no digit of a test pair was seen in
    training.

    Args:
        data: the folder with `mnist.npz` (arrays `x_train`, `y_train`, `x_test`, `y_test`), or with
            the four files of the original distribution, `train-images-idx3-ubyte.gz` and so on.
        pairs: for training, at most; one of each training image by default.
        network: "blocks", three convolutions with batch normalisation, by default; or "lenet", the
            smaller network of the reference.
        seed: of which images come together.

    Raises:
        ConfigError: an option outside its range.
        DataError: a file is missing or damaged.

    Licence: Creative Commons Attribution-ShareAlike 3.0 (MNIST, by LeCun and Cortes).

    Reference: Sener, Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018;
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition",
        Proceedings of the IEEE 1998.
    """

    archives = ("mnist.npz",)
    names = tuple("0123456789")
