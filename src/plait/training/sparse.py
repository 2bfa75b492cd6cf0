"""Optimizers for embeddings with sparse gradients."""

from __future__ import annotations

import torch
from torch import nn

from plait.balancing.base import Balancer, BilevelBalancer
from plait.core.errors import ConfigError

EITHER = (torch.optim.SGD, torch.optim.Adagrad)  # of torch.optim, those that take sparse and dense


def check_sparse(optimizer: torch.optim.Optimizer, model: nn.Module, balancer: Balancer) -> None:
    """Checks that an optimizer and a method can work on a model's sparse gradients.

    An optimizer of somebody else, such as one that hands tables to SparseAdam and the rest to
    Adam, is let pass.

    Raises:
        ConfigError: an optimizer of torch takes no sparse gradients, or no others; weight decay of
            a sparse gradient; a bilevel method.
    """
    if isinstance(optimizer, torch.optim.SparseAdam):
        raise ConfigError(
            "SparseAdam takes sparse gradients alone, and those of the heads are dense. Use SGD or "
            "Adagrad, or an optimizer of your own that gives the tables alone to SparseAdam."
        )
    tables = _tables(model)
    if not tables:
        return
    name, kind = next(iter(tables.values())), type(optimizer)
    if kind.__module__.startswith("torch.optim") and not isinstance(optimizer, EITHER):
        raise ConfigError(
            f"{kind.__name__} takes no sparse gradients, which {name!r} gives. Use SGD or Adagrad, "
            "or make the embedding with `sparse=False`."
        )
    if isinstance(balancer, BilevelBalancer):
        raise ConfigError(
            f"{type(balancer).__name__} looks ahead with dense gradients; {name!r} gives sparse "
            "ones. Make the embedding with `sparse=False`."
        )
    for group in optimizer.param_groups:
        if group.get("weight_decay") and any(id(p) in tables for p in group["params"]):
            raise ConfigError(
                f"weight decay is not possible with sparse gradients, which {name!r} gives. Set it "
                "to 0 for this table, or make the embedding with `sparse=False`."
            )


def _tables(model: nn.Module) -> dict[int, str]:
    """Returns `{id of a table that learns: its name}` of the embeddings with sparse gradients."""
    return {
        id(module.weight): f"{name}.weight".lstrip(".")
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag)
        and module.sparse
        and module.weight.requires_grad
    }
