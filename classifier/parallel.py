"""A function over a stream of chunks in several processes, or on a cluster: in order, and never far ahead of who reads the results."""

import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from functools import cache
from pkgutil import resolve_name
from signal import SIG_IGN, SIGINT, signal
from threading import Thread
from typing import Any

from classifier import __version__
from classifier.errors import ClassifierError

AHEAD = 4  # chunks a worker that are under way or wait to be fetched
PATIENCE = 10  # seconds to wait for a cluster
STUCK = 600  # seconds to wait for a chunk that is the next to be given: some ways of losing one joblib never hears of


def spread(
    work: Callable[[Any, Any], Any], chunks: Iterable[Any], shared: Any, jobs: int = 1, scheduler: str | None = None
) -> Iterator[Any]:
    """`work(chunk, shared)` of every chunk, in order, by joblib: in `jobs` processes, or on the Dask cluster of a scheduler.

    To a cluster `shared` is sent once per worker; a chunk whose worker dies is done again by another. Raises `ClassifierError` where
    processes die for good, or no cluster answers; an error that `chunks` raises comes out here when all before it has been given.
    """
    if jobs == 1 and scheduler is None:
        for chunk in chunks:
            yield work(chunk, shared)
        return
    import joblib

    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module="joblib")  # of results that nobody fetched: that is the caller's affair
        if scheduler is not None:
            client = stack.enter_context(_client(scheduler))
            backend = _far_backend()(client=client, scatter=[shared], wait_for_workers_timeout=PATIENCE)
            stack.enter_context(joblib.parallel_config(backend=backend))
            jobs = backend.effective_n_jobs(-1)
        try:
            parallel = joblib.Parallel(jobs, return_as="generator", batch_size=1, timeout=None if scheduler is None else STUCK)
            yield from _rounds(stack.enter_context(parallel), work, chunks, shared, jobs, scheduler is not None)
        except BrokenExecutor as error:
            raise ClassifierError("a worker process was ended from outside, perhaps for want of memory; fewer --jobs need less") from error
        except Exception as error:
            if scheduler is None or isinstance(error, ClassifierError):
                raise
            raise ClassifierError(f"the cluster at {scheduler} gave up: {_first_line(error)}; what was done is kept") from error


def _far_backend() -> Any:
    """joblib's Dask backend, but for a cluster of one thread: there joblib would do the work in this process."""
    from joblib._dask import DaskDistributedBackend

    class FarBackend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(int(super().effective_n_jobs(n_jobs)), 2)

    return FarBackend


def _rounds(parallel: Any, work: Callable[[Any, Any], Any], chunks: Iterable[Any], shared: Any, jobs: int, far: bool) -> Iterator[Any]:
    """joblib fetches new chunks as others are done, however slowly results are read: a round ends when too many results wait.

    joblib asks for chunks in a thread of its own, where an error would be lost: it is kept and raised here.
    """
    from joblib import delayed

    waiting = iter(chunks)
    given = taken = 0
    ended = False
    failed: list[BaseException] = []

    def some() -> Iterator[Any]:
        nonlocal given, ended
        while given - taken < AHEAD * jobs:
            try:
                chunk = next(waiting)
            except StopIteration:
                ended = True
                return
            except BaseException as error:
                failed.append(error)
                return
            given += 1
            yield delayed(work)(chunk, shared) if far else delayed(_local)(work, chunk, shared, os.getpid())

    while not (ended or failed):
        for result in parallel(some()):
            taken += 1
            yield result
    if failed:
        raise failed[0]


def _local(work: Callable[[Any, Any], Any], chunk: Any, shared: Any, parent: int) -> Any:
    if os.getpid() != parent:  # as it is inside a worker of somebody else's, where joblib starts no processes
        _leave_ending_to(parent)
    return work(chunk, shared)


@cache
def _leave_ending_to(parent: int) -> None:
    """Ctrl-C reaches all processes of a terminal: here it would leave a traceback, and the parent ends its workers by itself.

    Killed -9 it cannot: joblib's workers would wait for ever, so this process ends soon after its parent.
    """
    signal(SIGINT, SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _client(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClassifierError('--backend dask needs an extra: pip install -e ".[dask]" (in its folder)') from error
    try:
        connect: Any = Client  # which comes without types
        client = connect(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClassifierError(f"{scheduler}: no Dask scheduler answers there: {_first_line(error)}") from error
    for worker, version in client.run(resolve_name, "classifier:__version__", on_error="return").items():
        if version != __version__:
            client.close()
            raise ClassifierError(f"{worker}: should have version {__version__} of this program, and has {_first_line(version)}")
    return client


def _first_line(error: object) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
