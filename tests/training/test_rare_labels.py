"""A class of 0.2 % of the pixels, and a tag of one in a thousand tokens, are learnt or not."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait import MultiTaskModel, Trainer
from plait.data import InMemory, loader
from plait.encoders import ConvEncoder
from plait.evaluation import Evaluation, evaluate
from plait.sharing import Hard
from plait.tasks import BaseTask, Segmentation, Tagging
from plait.tasks.labels import options_for, resolved


def textures(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Grey textures `[N, 1, 64, 64]` with a brighter spot of 3 x 3 pixels, and their masks."""
    generator = torch.Generator().manual_seed(seed)
    noise = F.avg_pool2d(torch.randn(number, 1, 68, 68, generator=generator), 5, stride=1)
    masks = torch.zeros(number, 64, 64, dtype=torch.long)
    places = torch.randint(60, (number, 2), generator=generator)
    for mask, (row, column) in zip(masks, places, strict=True):
        mask[row : row + 3, column : column + 3] = 1
    return noise / noise.std() + 2.5 * masks.unsqueeze(1), masks


def sentences(number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Sentences `[N, 25]` of a thousand words, one of which has a tag of its own."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(1000, (number, 25), generator=generator)
    return words, (words == 7).long()


def trained(
    task: BaseTask, encoder: nn.Module, make: Any, *, epochs: int, lr: float, size: int
) -> Evaluation:
    (inputs, labels), (others, expected) = make(size, 1), make(64, 2)
    model = MultiTaskModel(Hard(encoder), [task], example=inputs[:2])
    train = loader(
        InMemory(inputs, {"y": labels}), batch_size=16, shuffle=True, tasks=[task], seed=0
    )
    Trainer(model, epochs=epochs, lr=lr, progress=False).fit(train)
    return evaluate(model, [(others, {"y": expected})])


def mask_task(chosen: bool) -> Segmentation:
    counts = textures(64, 1)[1].flatten().bincount().tolist()
    options = resolved("y", options_for(counts, masks=True), counts) if chosen else {}
    return Segmentation("y", classes=2, width=16, **{"foreground": True, **options})


def tag_task(chosen: bool) -> Tagging:
    counts = sentences(640, 1)[1].flatten().bincount().tolist()
    options = resolved("y", options_for(counts), counts) if chosen else {}
    return Tagging("y", classes=2, **options)


def words() -> nn.Module:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Embedding(1000, 16))
    encoder.channel_dim = -1
    return encoder


def masks_iou(chosen: bool, epochs: int) -> float:
    encoder = ConvEncoder(in_channels=1, widths=(8, 16))
    found = trained(mask_task(chosen), encoder, textures, epochs=epochs, lr=3e-3, size=64)
    return found.metrics["y"]["foreground_iou"]


def test_with_the_cross_entropy_alone_no_pixel_of_a_defect_is_found() -> None:
    assert textures(64, 1)[1].float().mean() < 0.0025
    assert masks_iou(chosen=False, epochs=10) == 0


def test_with_the_chosen_options_the_pixels_of_a_defect_are_found() -> None:
    assert masks_iou(chosen=True, epochs=10) > 0.3


@pytest.mark.slow
def test_a_longer_training_does_not_help_the_cross_entropy() -> None:
    assert masks_iou(chosen=False, epochs=40) == 0
    assert masks_iou(chosen=True, epochs=40) > 0.6


def test_a_tag_of_one_in_a_thousand_tokens_is_found_with_the_chosen_options() -> None:
    counts = sentences(640, 1)[1].flatten().bincount()
    assert counts[1] / counts.sum() < 0.0015
    short = {"epochs": 3, "lr": 5e-3, "size": 640}
    plain = trained(tag_task(chosen=False), words(), sentences, **short)
    chosen = trained(tag_task(chosen=True), words(), sentences, **short)
    assert plain.metrics["y"]["f1"] < 0.6  # 0.5 for the tag that is everywhere, and no other
    assert chosen.metrics["y"]["f1"] > 0.9
