"""Many downloads at a time, with a bar that says how many there are."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def each(fetch: Callable[[Item], None], items: Iterable[Item], workers: int, bar: tqdm) -> None:
    """Call `fetch` for all of `items`, so many at a time; the bar moves by one for each.

    Raises:
        the first error of a call: what runs then is finished, what waits is not begun.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(fetch, item) for item in items]
        try:
            for done in as_completed(waiting):
                done.result()
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
