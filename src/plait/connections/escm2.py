"""Risks of a conversion that is seen after a click only, corrected for that selection.

These are functions and no connection: they need labels, which belong to a task's own loss, and two
tasks' predictions at once. In a loop of your own they are one more term of the objective:

    p_click = outputs["click"].sigmoid()
    error = F.binary_cross_entropy_with_logits(outputs["buy"], buy, reduction="none")
    risk = ips(error, click, p_click)

Where `ProductChain` is in use, give it the conversion's own logit, before the product.

Reference: Wang, Chang, Liu, Huang, Chen, Yu, Li, Chu, "ESCM2: Entire Space Counterfactual
    Multi-Task Model for Post-Click Conversion Rate Estimation", SIGIR 2022.
"""

from __future__ import annotations

from torch import Tensor

from plait.core.errors import ConfigError


def ips(error: Tensor, click: Tensor, p_click: Tensor, *, clip: float = 0.05) -> Tensor:
    """Returns the risk by inverse propensity scores, ``mean(o e / p)``.

    Unbiased for the risk over all examples, if p is the probability of a click.

    Args:
        error: e, the loss of the conversion of each example; where there is no click it does not
            count.
        click: o, 0 or 1.
        p_click: p, the predicted probability of a click, of the same shape; no gradient flows
            through it.
        clip: p is at least this, in 0..1, which bounds the variance at the price of a bias.

    Raises:
        ConfigError: `clip` outside 0..1, or 0.
    """
    return (_clicked(error, click) / _propensity(p_click, clip)).mean()


def snips(error: Tensor, click: Tensor, p_click: Tensor, *, clip: float = 0.05) -> Tensor:
    """Returns the self-normalised risk, ``sum(o e / p) / sum(o / p)``; 0 without a click.

    Of less variance than `ips`, and with a bias that vanishes as examples grow in number.

    Args:
        error: as in `ips`.
        click: as in `ips`.
        p_click: as in `ips`.
        clip: as in `ips`.
    """
    p = _propensity(p_click, clip)
    mass = (click / p).sum()
    return (_clicked(error, click) / p).sum() / mass.where(mass > 0, 1.0)


def doubly_robust(
    error: Tensor, click: Tensor, p_click: Tensor, imputed: Tensor, *, clip: float = 0.05
) -> Tensor:
    """Returns the doubly robust risk, ``mean(e^ + o (e - e^) / p)``.

    Unbiased if the propensities p or the imputed errors e^ are right.

    Args:
        error: as in `ips`.
        click: as in `ips`.
        p_click: as in `ips`.
        imputed: e^, an error that a third prediction gives for every example; train it with
            `imputation`.
        clip: as in `ips`.
    """
    return (imputed + _clicked(error - imputed, click) / _propensity(p_click, clip)).mean()


def imputation(
    error: Tensor, click: Tensor, p_click: Tensor, imputed: Tensor, *, clip: float = 0.05
) -> Tensor:
    """Returns the loss of the imputed errors, ``mean(o (e - e^)^2 / p)``.

    Args:
        error: as in `ips`.
        click: as in `ips`.
        p_click: as in `ips`.
        imputed: as in `doubly_robust`.
        clip: as in `ips`.
    """
    return (_clicked(error - imputed, click).square() / _propensity(p_click, clip)).mean()


def _clicked(values: Tensor, click: Tensor) -> Tensor:
    # where, not a product: the conversion's label may be NaN without a click
    return values.where(click > 0, 0.0)


def _propensity(p_click: Tensor, clip: float) -> Tensor:
    if not 0 < clip <= 1:
        raise ConfigError(f"`clip` must be within 0..1, above 0; found {clip}.")
    return p_click.detach().clamp(min=clip)
