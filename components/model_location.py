"""Where a trained model lies: a folder, or what an MLflow URI stands for."""

import logging
import os
import re
from pathlib import Path

from components.model_folder import DESCRIPTION, WEIGHTS
from components.store import tracking_uri, without_credentials

URI = re.compile(r"^(models|runs|mlflow-artifacts|s3|gs|file|https?):/")


def folder(model: str) -> Path:
    """The folder that `nephele.forecasting.trained.load` reads; torch is not needed to find it.

    Args:
        model: the folder itself, one that holds it, or a URI such as
            `models:/nephele-student@champion`, which MLflow brings here.

    Raises:
        ValueError: there is none, or more than one.
    """
    place = _downloaded(model) if URI.match(model) else Path(model)
    if not place.is_dir():
        raise ValueError(
            f"--model {model}: no such folder, expected one that a training stage wrote, or an "
            "MLflow URI such as models:/nephele-student@champion"
        )
    found = sorted(path.parent for path in place.rglob(DESCRIPTION) if _has_weights(path))
    if len(found) != 1:
        names = ", ".join(str(path) for path in found) or "none"
        raise ValueError(
            f"--model {model}: expected one folder with {DESCRIPTION} and {WEIGHTS}, found {names}"
        )
    return found[0]


def _has_weights(description: Path) -> bool:
    return (description.parent / WEIGHTS).is_file()


def _downloaded(uri: str) -> Path:
    """A copy of the model that `uri` names."""
    # Somebody waits: a server that does not answer is said within seconds, not minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    try:
        import mlflow
    except ImportError:
        raise ValueError(
            f"--model {uri}: MLflow is not installed; "
            "expected a folder, or install nephele[tracking]"
        ) from None
    server = tracking_uri()
    database = Path(server.removeprefix("sqlite:///"))
    if server.startswith("sqlite:") and not database.exists():
        raise ValueError(
            f"--model {uri}: no tracking database at {database}; "
            "expected one, or MLFLOW_TRACKING_URI to name a server"
        )
    for name in ("alembic", "mlflow", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(server)
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        said = f"--model {uri}: MLflow at {server}: {cause}"
        raise ValueError(without_credentials(said)) from None
