"""Tables of people's own: from files and frames of pandas to inputs and labels.

A frame holds the columns as they were written: numbers where a whole column is numbers, words where
not. `read` opens files, `fit` learns from the training rows what a model has to know of each column
of inputs, `encode` makes the rows of inputs, and `targets` the labels.
"""
