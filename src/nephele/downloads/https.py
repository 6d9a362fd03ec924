"""A file of a web server, which is whole or goes on where it broke off."""

from pathlib import Path

import multiurl  # type: ignore[import-untyped]
import requests  # type: ignore[import-untyped]

from nephele.downloads.params import RetryParams
from nephele.downloads.patience import PASSING_STATUS, PassingError, patiently


def fetch(url: str, target: Path, retries: RetryParams) -> None:
    """The file at `url` as `target`, of the length that the server says.

    Raises:
        ValueError: there is no such file, or the server was out of reach for too long.
    """
    patiently(lambda: _attempt(url, target, retries.timeout), url, retries)


def _attempt(url: str, target: Path, timeout: float) -> None:
    """What is at `target` already is the beginning of the file: only the rest is asked for."""
    try:
        # One try: pauses are the affair of `patiently`.
        multiurl.download(
            url, target=str(target), resume_transfers=True, maximum_retries=1, timeout=timeout
        )
    except requests.HTTPError as error:
        raise judged(error, url) from None
    except requests.RequestException as error:
        raise PassingError(f"the connection broke ({type(error).__name__})") from None
    except AssertionError as error:  # how multiurl says that lengths differ
        target.unlink(missing_ok=True)
        raise PassingError(f"the length is not the one announced ({error})") from None


def judged(error: requests.HTTPError, url: str) -> Exception:
    """The error of a server's answer, by whether it may pass."""
    status = error.response.status_code
    if status in PASSING_STATUS:
        return PassingError(f"the server answers {status} {error.response.reason}")
    return ValueError(
        f"{url}: the server answers {status} {error.response.reason}, expected the file; "
        "correct the address in params.yaml (download)"
    )
