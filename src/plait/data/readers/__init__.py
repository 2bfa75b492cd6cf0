"""Columns whose values are read row by row: pictures, masks, maps, sounds and sentences.

A reader has a length and gives the value of a row, ``reader[row]``. Files are read when they are
asked for, in whatever process asks.
"""
