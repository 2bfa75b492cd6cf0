from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.encoders.backbones.hidden_states import (
    PictureModel,
    SoundModel,
    TextModel,
    last_hidden_state,
    prefix_of,
)


class Echo(nn.Module):
    """Gives back what it is asked, with an axis of channels, as its last hidden state."""

    def __init__(self, name: str, **config: Any) -> None:
        super().__init__()
        self.main_input_name, self.config = name, SimpleNamespace(**config)

    def _get_feat_extract_output_lengths(self, samples: int) -> int:
        return samples

    def forward(self, **asked: Any) -> SimpleNamespace:
        self.asked = asked
        return SimpleNamespace(last_hidden_state=asked[self.main_input_name][..., None].float())


MASK = torch.tensor([[True, True, False], [False, False, False]])


def test_padding_is_that_of_the_network() -> None:
    codes = torch.tensor([[[5, 9], [6, 9], [7, 9]], [[8, 9], [4, 9], [3, 9]]])
    model = Echo("input_ids", pad_token_id=1)
    assert TextModel(model)(codes, MASK)[..., 0].tolist() == [[5, 6, 1], [1, 1, 1]]
    # attention to no position at all would be no number
    assert model.asked["attention_mask"].tolist() == [[1, 1, 0], [1, 0, 0]]
    assert TextModel(model)(codes[..., 0])[..., 0].tolist() == [[5, 6, 7], [8, 4, 3]]
    assert "attention_mask" not in model.asked
    assert TextModel(Echo("input_ids"))(codes, MASK)[0, 2, 0] == 0


def test_samples_in_the_padding_are_silent() -> None:
    samples = torch.tensor([[1.0, 3.0, torch.nan], [9.0, 9.0, 9.0]])
    plain = SoundModel(Echo("input_values"), normalize=False)
    assert plain(samples, MASK)[..., 0].tolist() == [[1, 3, 0], [0, 0, 0]]
    normal = SoundModel(Echo("input_values"), normalize=True)(samples, MASK)[..., 0]
    torch.testing.assert_close(normal, torch.tensor([[-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))


def test_tokens_of_a_picture_without_the_one_of_the_class() -> None:
    class Tokens(Echo):
        def forward(self, **asked: Any) -> SimpleNamespace:
            tokens = torch.arange(2 * 7 * 3.0).reshape(2, 7, 3)
            return SimpleNamespace(last_hidden_state=tokens)

    maps = PictureModel(Tokens("pixel_values"), 1)(torch.zeros(2, 3, 8, 12))
    assert maps.shape == (2, 3, 2, 3)
    assert maps[0, :, 0, 0].tolist() == [3, 4, 5] and maps[0, :, 1, 2].tolist() == [18, 19, 20]


def test_maps_stay() -> None:
    class Maps(Echo):
        def forward(self, **asked: Any) -> SimpleNamespace:
            return SimpleNamespace(last_hidden_state=asked["pixel_values"])

    images = torch.randn(2, 3, 4, 4)
    assert PictureModel(Maps("pixel_values"), 0)(images) is images


@pytest.mark.parametrize(
    ("tokens", "size", "patch", "prefix"),
    [(197, 224, 16, 1), (201, 224, 16, 5), (49, 224, 4, 0), (16, 32, 8, 0), (5, 32, 16, 1)],
)
def test_tokens_that_are_no_places(tokens: int, size: int, patch: int, prefix: int) -> None:
    assert prefix_of(tokens, size, patch) == prefix


def test_a_model_without_a_hidden_state_is_refused() -> None:
    class Both(Echo):
        def forward(self, **asked: Any) -> dict[str, Tensor]:
            return {"text_embeds": torch.zeros(1), "image_embeds": torch.zeros(1)}

    with pytest.raises(ConfigError, match="it gives text_embeds, image_embeds"):
        last_hidden_state(Both("input_ids"), torch.zeros(1, 2))
