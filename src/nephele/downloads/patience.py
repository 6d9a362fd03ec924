"""What passes by itself is waited for; what does not is said at once."""

import logging
from collections.abc import Callable
from typing import TypeVar

from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry, if_exception_type

from nephele.downloads.params import RetryParams

log = logging.getLogger(__name__)

# Time-out, too early, too many requests, and what a server says of its own troubles.
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})

Result = TypeVar("Result")


class PassingError(Exception):
    """A time-out, half a file, a busy server: the next try may succeed."""


def patiently(call: Callable[[], Result], what: str, retries: RetryParams) -> Result:
    """What `call` returns, tried again after a `PassingError` with growing pauses.

    A pause is drawn between nothing and its longest, so that parallel calls do not come at once.

    Args:
        what: is fetched, for messages.

    Raises:
        ValueError: the patience is spent; or whatever else `call` raises.
    """

    def told(error: Exception) -> None:
        log.warning("%s: %s; trying again", what, error)

    attempt = Retry(
        predicate=if_exception_type(PassingError),
        initial=retries.wait,
        maximum=retries.longest,
        multiplier=retries.factor,
        timeout=retries.patience,
        on_error=told,
    )
    try:
        return attempt(call)()
    except RetryError as error:
        raise ValueError(
            f"{what}: given up after {retries.patience:g} s, at last because: {error.cause}; "
            "run the command again later, it goes on where it stopped"
        ) from None
