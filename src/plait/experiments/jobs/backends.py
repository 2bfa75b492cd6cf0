"""The backends of joblib that runs can be done with, and their clusters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, get_args

from plait.core.errors import ConfigError, unknown
from plait.core.extras import need

BackendName = Literal["loky", "ray", "dask"]
PURPOSE = "Training on a cluster of {}"


@dataclass(frozen=True)
class Backend:
    """A backend of joblib.

    Attributes:
        streams: whether it hands on each result when it is there, and not all at the end.
        cluster: makes what it needs for so many jobs, unless that is there; tells whether it is
            made here, on this machine.
    """

    streams: bool
    cluster: Callable[[int], AbstractContextManager[bool]]


def backend_of(name: str) -> Backend:
    """Returns the backend of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in BACKENDS:
        raise ConfigError(unknown("backend", name, get_args(BackendName)))
    return BACKENDS[name]


@contextmanager
def _dask(jobs: int) -> Iterator[bool]:
    """Uses the client that is open, the scheduler that the settings of Dask name, or new workers.

    The new ones are processes of this machine, with one thread each, and end with the body.
    """
    dask: Any = need("dask", extra="dask", purpose=PURPOSE.format("Dask"))
    distributed: Any = need("distributed", extra="dask", purpose=PURPOSE.format("Dask"))
    try:
        distributed.get_client()
    except ValueError:  # none is open
        pass
    else:
        yield False
        return
    address = dask.config.get("scheduler-address", None)
    if address:
        with distributed.Client(address):
            yield False
        return
    with (
        dask.config.set({"distributed.worker.daemon": False}),  # they start readers of data
        distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield True


@contextmanager
def _ray(jobs: int) -> Iterator[bool]:
    """Uses the cluster that is open, that of RAY_ADDRESS, or a new one of this machine."""
    ray: Any = need("ray", extra="ray", purpose=PURPOSE.format("Ray"))
    need("ray.util.joblib", extra="ray", purpose=PURPOSE.format("Ray")).register_ray()
    if ray.is_initialized():
        yield False
        return
    address = os.environ.get("RAY_ADDRESS")
    if address:
        ray.init(address=address)
    else:
        ray.init(address="local", num_cpus=jobs, include_dashboard=False)
    try:
        yield not address
    finally:
        ray.shutdown()


BACKENDS: Mapping[str, Backend] = {
    "loky": Backend(streams=True, cluster=lambda jobs: nullcontext(True)),
    "ray": Backend(streams=False, cluster=_ray),
    "dask": Backend(streams=True, cluster=_dask),
}
