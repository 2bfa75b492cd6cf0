"""A network for sentences."""

from __future__ import annotations

from typing import Annotated, Literal

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.errors import ConfigError
from plait.core.options import AtLeast, Count
from plait.core.structure import Masked
from plait.encoders.text import Attention, Convolution, Positions, Recurrence, WordEmbedding
from plait.networks import encode

Context = Literal["gru", "transformer", "convolution"]
DIVISORS: dict[Context, int] = {"gru": 2, "transformer": 4, "convolution": 1}


class TextEncoder(nn.Module):
    """Reads sentences as codes of words, and gives each token a vector that knows its context.

        x_t = u(word t) + sum of the vectors of the word's parts,    z = context(x_1 ... x_L)

    The parts of a word are its prefixes, its suffixes and its shape, so that a word which training
    has never seen is not unknown altogether. Padding changes nothing, and a sentence without a word
    is allowed.

    Args:
        codes: how many codes of words (or characters) there are, those of padding and of unseen
            words included.
        pieces: rows for the parts of words, which are hashed into them; 0 reads the words alone.
        width: length of a token's vector, even for "gru", a multiple of 4 for "transformer".
        context: "gru" reads a sentence forwards and backwards; "transformer" lets the tokens
            attend to one another; "convolution" looks at two tokens on each side in every layer,
            and takes the least time.
        layers: of the context, 0 or more; without any, each token knows itself alone.
        dropout: share of the numbers of the words' vectors, and of what the layers add, that is
            left out in training, 0 to 1.

    Shapes:
        `Masked(codes [B, L, 1 + P], mask [B, L])` to `[B, L, width]`: the code of the word and
        those of its P parts, 0 where there is none; P is 0 for characters. The first stage embeds;
        each layer is one more.

    Raises:
        ConfigError: an option outside its range.

    Cost: one sum of 1 + P rows for each token, and for each layer of C = `width` channels about
        3 C^2 ("gru"), 12 C^2 + 2 L C ("transformer") or 5 C^2 ("convolution") multiplications.

    Example:
        >>> import torch
        >>> from plait.core import Masked
        >>> sentences = torch.tensor([[[2], [5], [3]], [[4], [0], [0]]])
        >>> encoder = TextEncoder(codes=6, width=8)
        >>> encoder(Masked(sentences, sentences[..., 0] > 0)).shape
        torch.Size([2, 3, 8])

    References: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword
        Information", TACL 5, 2017; Lample, Ballesteros, Subramanian, Kawakami, Dyer, "Neural
        Architectures for Named Entity Recognition", NAACL 2016; Vaswani et al., "Attention Is All
        You Need", NeurIPS 2017.
    """

    channel_dim = -1
    masked = True
    reads_codes = True  # gates read the features instead

    @checked
    def __init__(
        self,
        *,
        codes: Count,
        pieces: Annotated[int, AtLeast(0)] = 0,
        width: Count = 128,
        context: Context = "gru",
        layers: Annotated[int, AtLeast(0)] = 1,
        dropout: Annotated[float, AtLeast(0)] = 0.3,
    ) -> None:
        super().__init__()
        self.codes = codes
        self.pieces = pieces
        self.width = width
        self.context: Context = context
        self.layers = layers
        self.dropout = dropout
        divisor = DIVISORS.get(context, 1)
        if width % divisor:
            raise ConfigError(
                f"`width` must be a multiple of {divisor} with context={context!r}; found {width}. "
                f"Take {width + divisor - width % divisor}."
            )
        embed: list[nn.Module] = [WordEmbedding(codes, pieces, width)]
        if context == "transformer":
            embed.append(Positions())
        self.stages = nn.ModuleList([nn.Sequential(*embed, nn.Dropout(dropout))])
        self.stages.extend(self._layer() for _ in range(layers))
        if layers and context != "gru":  # the norms in front leave the last sum without one
            self.stages[-1] = nn.Sequential(self.stages[-1], nn.LayerNorm(width))

    def _layer(self) -> nn.Module:
        if self.context == "gru":
            return nn.Sequential(Recurrence(self.width, self.width), nn.Dropout(self.dropout))
        layer = Attention if self.context == "transformer" else Convolution
        return layer(self.width, self.dropout)

    def forward(self, inputs: Tensor | Masked, mask: Tensor | None = None) -> Tensor:
        """Returns the tokens' vectors; the mask comes with the codes or beside them."""
        if isinstance(inputs, Tensor) and mask is not None:
            inputs = Masked(inputs, mask)
        return encode(self, inputs).levels[-1]
