from typing import Any

import pytest
import torch
from torch import nn

from plait.core.columns import Column, inputs_of
from plait.core.errors import ConfigError
from plait.encoders import AudioEncoder, ConvEncoder, MLPEncoder, TabularEncoder, TextEncoder
from plait.encoders.inputs import chosen, encoder_for, example_for, told_by
from tests.encoders.inputs.columns import AGE, EVERY, KIND, PHOTO, SPEECH, TITLE


def test_each_kind_has_a_default() -> None:
    names = {name: each["class"] for name, each in chosen(None, inputs_of(EVERY)).items()}
    assert names == {
        "row": "TabularEncoder",
        "photo": "ConvEncoder",
        "title": "TextEncoder",
        "speech": "AudioEncoder",
    }
    for side, blocks in ((64, 3), (65, 4)):
        column = Column("photo", "image", size=[side, 100], channels=1)
        assert len(chosen(None, {"photo": [column]})["photo"]["widths"]) == blocks


def test_an_encoder_is_told_what_its_column_knows() -> None:
    made: list[Any] = [
        encoder_for({"class": name, **options}, columns)
        for name, options, columns in [
            ("ConvEncoder", {"widths": [4]}, [PHOTO]),
            ("TextEncoder", {"width": 4}, [TITLE]),
            ("AudioEncoder", {"mels": 12}, [SPEECH]),
            ("TabularEncoder", {}, [AGE, KIND]),
            ("MLPEncoder", {"widths": [3]}, [AGE, KIND]),
        ]
    ]
    kinds = [ConvEncoder, TextEncoder, AudioEncoder, TabularEncoder, MLPEncoder]
    assert [type(each) for each in made] == kinds
    assert made[0].in_channels == 3 and made[0].widths == (4,)
    assert (made[1].codes, made[1].pieces) == (5, 20)
    assert made[2].rate == 2000
    assert made[3].columns == [AGE.plain(), KIND.plain()]
    assert made[4].in_features == 2


def test_what_is_said_wins_over_what_the_column_knows() -> None:
    made: Any = encoder_for({"class": "TextEncoder", "pieces": 7}, [TITLE])
    assert made.pieces == 7


def test_a_module_is_taken_as_it_is() -> None:
    own = nn.Linear(2, 3)
    assert encoder_for(chosen({"photo": own}, {"photo": [PHOTO]})["photo"], [PHOTO]) is own
    assert chosen({"photo": "ConvEncoder"}, {"photo": [PHOTO]}) == {
        "photo": {"class": "ConvEncoder"}
    }


@pytest.mark.parametrize("columns", [[AGE, KIND], [PHOTO], [TITLE], [SPEECH]])
def test_the_default_reads_the_example(columns: list[Column]) -> None:
    inputs = inputs_of(columns)
    (name,) = inputs
    encoder = encoder_for(chosen(None, inputs)[name], columns).eval()
    assert encoder(example_for(columns)).isfinite().all()


def test_no_code_of_a_stranger_is_imported() -> None:
    with pytest.raises(ConfigError, match="unknown encoder 'os:system'"):
        encoder_for({"class": "os:system"}, [PHOTO])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"foto": "ConvEncoder"}, "unknown input of the encoder 'foto'.*Did you mean 'photo'"),
        ({"photo": 3}, "must be a module, a name, or"),
        ({"photo": {"widths": [3]}}, "must be a module, a name, or"),
    ],
)
def test_wrong_encoders_are_explained(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        chosen(given, {"photo": [PHOTO]})


def test_examples_have_the_shapes_of_the_columns() -> None:
    assert example_for([AGE, KIND]).shape == (2, 2)
    assert example_for([PHOTO]).shape == (2, 3, 16, 12)
    assert example_for([SPEECH]).values.shape == (2, 500)
    assert example_for([TITLE]).values.shape == (2, 4, 2)
    assert example_for([TITLE]).values.dtype == torch.long


def test_a_file_is_told_what_an_encoder_has_become() -> None:
    column = inputs_of([PHOTO])[PHOTO.name]
    described = {"class": "ConvEncoder", "widths": [4, 8]}
    encoder = encoder_for(described, column)
    told = told_by(described, encoder, column)
    assert told["class"] == "ConvEncoder" and list(told["widths"]) == [4, 8]
    assert told["norm"] is False and "in_channels" not in told
    assert told_by(encoder, encoder, column) is encoder
