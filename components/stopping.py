"""Being told to stop, as Kubernetes does some seconds before it kills: SIGTERM."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STATUS = 128 + signal.SIGTERM  # the exit status of a process that SIGTERM ends


@contextmanager
def heeded() -> Iterator[Callable[[], bool]]:
    """Within this, SIGTERM ends nothing by itself; what is yielded says whether it has come.

    Whoever asks has to stop soon. In a thread, where no signal can be caught, all stays as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    told = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    try:
        yield told.is_set
    finally:
        signal.signal(signal.SIGTERM, before)
