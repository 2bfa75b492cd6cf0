"""Two digits over each other: the table of MGDA-UB."""

from plait.experiments.reproduce.published import PLAIN, Column, PublishedTable, Row

_STEPS = 196  # of an epoch: 50,000 pairs in batches of 256

MULTI_MNIST = PublishedTable(
    name="multi-mnist",
    title="Multi-MNIST: accuracy in per cent",
    source=(
        "Sener, Koltun, Multi-Task Learning as Multi-Objective Optimization, NeurIPS 2018; the "
        "figures are recalled, not read again"
    ),
    settings={
        "recipe": {"class": "multi-mnist", "network": "lenet"},
        "optimizer": {"class": "Adam", "lr": 4e-3, "weight_decay": 0.0},
        "scheduler": {"class": "StepLR", "step_size": 10 * _STEPS, "gamma": 0.85},
        "batch_size": 256,
        "epochs": 30,
    },
    full={"epochs": 100},
    length="30 epochs; the source's 100 with --full",
    rows=(
        Row(name="single", title="Single-task", published=(97.23, 95.90)),
        Row(name="uniform", title="Uniform", published=(96.46, 94.99), settings=PLAIN),
        Row(
            name="uncertainty",
            title="Uncertainty weights",
            published=(96.47, 95.29),
            settings={**PLAIN, "balancing": "UncertaintyWeights"},
        ),
        Row(
            name="grad-norm",
            title="GradNorm",
            published=(96.27, 94.84),
            settings={**PLAIN, "balancing": "GradNorm"},
        ),
        Row(
            name="mgda-ub",
            title="MGDA-UB",
            published=(97.26, 95.90),
            settings={**PLAIN, "balancing": "MGDA", "at": "features"},
        ),
        Row(name="upgrad", title="UPGrad", settings={**PLAIN, "balancing": "UPGrad"}),
        Row(name="mmoe", title="MMoE, plain sum", settings={**PLAIN, "sharing": "MMoE"}),
    ),
    columns=(
        Column(title="Left", task="top_left", metric="accuracy", factor=100),
        Column(title="Right", task="bottom_right", metric="accuracy", factor=100),
    ),
    within=0.5,
    differs=(
        "The pairs are drawn anew, by the construction of the source: 50,000 for training and "
        "10,000 for the choice of the epoch, each of other images, and 10,000 for the test; the "
        "source has 60,000 and 10,000.",
        "The last two rows are no rows of the source, but plait's, with the same recipe.",
        "The authors' code drops channels of the trunk and units of the heads; there is no dropout "
        "here. The rate falls by 0.85 every ten epochs, as in that code; 4e-3 at the start is "
        "the best of 5e-4, 1e-3, 2e-3 and 4e-3 on the validation pairs after three epochs of the "
        "plain sum.",
        "MGDA-UB solves its problem exactly and without normalisation.",
    ),
)
