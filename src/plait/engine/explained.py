"""Errors of torch about a graph that is differentiated several times, in plait's words."""

from __future__ import annotations

import torch._functorch.config as compiled

from plait.core.errors import ConfigError
from plait.engine.checkpoints import is_reentrant, refusal


def allow_several_passes() -> None:
    """Lets torch compile backward passes that can run more than once over one graph.

    By default a compiled backward pass gives the memory of what it has read away ("donated
    buffers"), so that no second pass can follow. This acts on all that is compiled afterwards.
    """
    if compiled.donated_buffer:
        compiled.donated_buffer = False


def explained(error: Exception, method: str) -> ConfigError | None:
    """Returns the error that says what to do about an error of torch; None for any other error.

    Args:
        error: of a backward pass.
        method: the name of the balancer.
    """
    if is_reentrant(error):
        return refusal(method)
    text = str(error)
    if isinstance(error, RuntimeError) and "donated" in text and "compiled" in text:
        return ConfigError(
            f"{method} goes through the graph several times, and torch.compile has compiled this "
            "backward pass for one. Write `torch._functorch.config.donated_buffer = False` before "
            "the first backward pass of the compiled module; `plait.Backward` and `plait.Trainer` "
            "do so when they are made."
        )
    return None
