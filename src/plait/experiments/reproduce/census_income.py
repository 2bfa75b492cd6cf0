"""Income and marriage: the figures of torch-rechub, as a guide."""

from plait.experiments.reproduce.published import PLAIN, Column, PublishedTable, Row

CENSUS_INCOME = PublishedTable(
    name="census-income",
    title="Census-income: AUROC",
    source="torch-rechub's README, examples/ranking, on the full set; columns CVR and CTR",
    settings={"recipe": "census-income"},
    length="until 20 epochs brought nothing better",
    rows=(
        Row(name="single", title="Single-task networks"),
        Row(name="shared", title="Shared bottom", published=(0.9560, 0.9948), settings=PLAIN),
        Row(
            name="mmoe",
            title="MMoE",
            published=(0.9579, 0.9950),
            settings={**PLAIN, "sharing": "MMoE"},
        ),
        Row(
            name="ple",
            title="PLE, two levels",
            published=(0.9593, 0.9950),
            settings={**PLAIN, "sharing": "PLE"},
        ),
    ),
    columns=(
        Column(title="Income", task="income", metric="auroc"),
        Column(title="Never married", task="never_married", metric="auroc"),
    ),
    within=0.005,
    differs=(
        "A guide, no reproduction: the rows here are the official test part, 69,833 of them for "
        "training; the source trains on the official training part, 199,523 rows.",
        "Encoder and optimizer are those of plait's recipe.",
    ),
)
