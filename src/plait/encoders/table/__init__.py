"""Layers that read rows of a table: numbers, categories, and how numbers are embedded."""

from plait.encoders.table.beside import Beside, Residual
from plait.encoders.table.categories import CategoryEmbedding, Codes, OneHot
from plait.encoders.table.dropout import dropout_of
from plait.encoders.table.inputs import TableInputs
from plait.encoders.table.missing import Missing
from plait.encoders.table.numbers import Standardise
from plait.encoders.table.periodic import PeriodicEmbedding
from plait.encoders.table.piecewise import PiecewiseEmbedding
from plait.encoders.table.row import Row

__all__ = [
    "Beside",
    "CategoryEmbedding",
    "Codes",
    "Missing",
    "OneHot",
    "PeriodicEmbedding",
    "PiecewiseEmbedding",
    "Residual",
    "Row",
    "Standardise",
    "TableInputs",
    "dropout_of",
]
