"""Layers that read sentences: the embedding of words, and what gives a token its context."""

from plait.encoders.text.attention import Attention, Positions
from plait.encoders.text.convolution import Convolution
from plait.encoders.text.recurrence import Recurrence
from plait.encoders.text.word_embedding import WordEmbedding

__all__ = ["Attention", "Convolution", "Positions", "Recurrence", "WordEmbedding"]
