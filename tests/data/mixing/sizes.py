"""Three sources of very unequal sizes."""

from plait.data.mixing.base import Policy, Size, Sizes

COUNTS = {"large": 100_000, "middle": 10_000, "small": 1_000}


def sizes(batch_size: int = 32, **own: int) -> Sizes:
    """Sources of `COUNTS`; `own` sets the examples in a batch of some of them."""
    found = {}
    for name, count in COUNTS.items():
        batches = -(-count // own.get(name, batch_size))
        found[name] = Size(count, batches, count / batches)
    return found


def drawn_shares(policy: Policy, of: Sizes, steps: int, seed: int = 0) -> dict[str, float]:
    """The share of the examples that each source has in so many steps."""
    order = policy.order(of, steps, seed)
    turns = order.flatten().bincount(minlength=len(of)).double()
    examples = [
        float(n) * float(s.batch_size or 0) for n, s in zip(turns, of.values(), strict=True)
    ]
    return {name: each / sum(examples) for name, each in zip(of, examples, strict=True)}
