"""Where the runs are kept, and whether there is anything to keep them with."""

import importlib.util
import logging
import os
import re
from pathlib import Path

EXPERIMENT = "nephele"  # one run an execution: its report
STAGES = "-stages"  # what follows the name in the experiment with one run an executed stage
URI = "MLFLOW_TRACKING_URI"

CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")

logger = logging.getLogger(__name__)


def available() -> bool:
    """Whether there is anything to track with: mlflow, and a server or a database.

    Of the processes of one training, which torchrun numbers, the first alone tells of it.
    """
    if int(os.environ.get("RANK", "0")):
        return False
    if importlib.util.find_spec("mlflow") is None:
        return False
    if os.environ.get(URI) or importlib.util.find_spec("sqlalchemy"):
        return True
    logger.info("not tracked: there is no %s, and no database here", URI)
    return False


def tracking_uri() -> str:
    """The server or database; a server's may have a name and a password in it."""
    return os.environ.get(URI) or f"sqlite:///{Path('mlflow.db').resolve()}"


def without_credentials(text: str) -> str:
    """A URI, or a text with some in it, as it may be written down and shown: `user:password@` is
    left out.
    """
    return CREDENTIALS.sub("", text)


def experiments() -> dict[str, str]:
    """The experiment of the executions, and that of the stages."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    return {"executions": name, "stages": name + STAGES}
