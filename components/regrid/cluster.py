"""Where regridding computes: in threads of this process, or on a dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

import dask
import xarray as xr

THREADS = 4  # at most, in this process: only one at a time can read NetCDF, and each takes memory
FILES = 2  # open at a time in each process: the library for NetCDF keeps up to 64 MB of each
PATIENCE = "30s"  # for a scheduler to answer


@contextmanager
def connected(
    scheduler: str | None,
    threads: int = THREADS,
    called: str = "regrid.scheduler",
    without: str = "say null",
) -> Iterator[int]:
    """Within it, dask computes at that address, such as `tcp://host:8786`; None: in this process.

    Args:
        threads: of this process, at most. More than one only for tasks that open no file: xarray
            guards its reading of values, but not its opening of files, and HDF5 guards neither.
        called: what the user has called the address.
        without: what to do to have none.

    Yields the number of chunks that are computed at a time. Workers need this package, and see the
    same files under the same paths.

    Raises:
        ValueError: no scheduler answers there, or it has no workers.
    """
    if scheduler is None:
        threads = min(dask.system.CPU_COUNT, threads)
        with (
            xr.set_options(file_cache_maxsize=FILES),
            dask.config.set(scheduler="threads", num_workers=threads),
        ):
            yield threads
        return
    from distributed import Client  # takes its time, and only a cluster needs it
    from distributed.comm import CommClosedError

    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{called} = {scheduler!r}: no dask scheduler answers ({error}), expected an address "
            f"such as tcp://host:8786; start one with `dask scheduler`, or {without}"
        ) from None
    with client:
        try:
            client.register_worker_callbacks(_few_files)
        except CommClosedError:  # a worker died meanwhile: those that are there are told again
            client.register_worker_callbacks(_few_files)
        threads = sum(client.nthreads().values())
        if not threads:
            raise ValueError(
                f"{called} = {scheduler!r}: the scheduler has no workers, expected at "
                "least one; start some with `dask worker`"
            )
        yield threads


def _few_files() -> None:
    xr.set_options(file_cache_maxsize=FILES)
