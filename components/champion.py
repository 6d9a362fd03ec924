"""Which version of a registered model has the alias `champion`, and why.

A version has been verified by a run that keeps its table of CRPS by window: its tag `execution`
names the run. No table of fewer than `FEWEST_STORMS` storms makes a champion, or keeps one.
"""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from nephele.evaluation.bootstrap import FEWEST_STORMS
from nephele.evaluation.succession import succession

CHAMPION = "champion"
FORECAST = "student"  # its column in the table of CRPS by window
TABLE_FOLDER, TABLE = "verification", "crps_by_window.csv"
EXECUTION = "execution"  # tag of a version: the run whose table scored it
REIGNS = f"is the {CHAMPION} already"


class Incomparable(Exception):
    """There is no table of a version's verification, and its sentence says why."""


def decision(client: Any, name: str, number: str, table: Path) -> tuple[bool, str]:
    """Whether version `number` takes the alias, and the rest of a sentence that says why.

    Args:
        client: an MlflowClient.
        name: of the registered model.
        table: CRPS by window of version `number`.
    """
    reigning = client.get_registered_model(name).aliases.get(CHAMPION)
    if reigning is None:
        return _first(table)
    reigning = str(reigning)
    if reigning == number:
        return False, REIGNS
    moves, why = _against(client, client.get_model_version(name, reigning), table)
    verb = "takes" if moves else "does not take"
    return moves, f"{verb} the place of version {reigning} as {CHAMPION}, {why}"


def enough(table: Path) -> bool:
    """Whether a table of CRPS by window has storms enough to make a champion.

    Raises:
        ValueError: it is no such table.
    """
    return _storms(_read(table)) >= FEWEST_STORMS


def _first(table: Path) -> tuple[bool, str]:
    """A champion is compared with all that come later, so the first must be worth it."""
    try:
        storms = _storms(_read(table))
    except ValueError as error:
        return False, f"is registered; no {CHAMPION} yet: {error}"
    if storms < FEWEST_STORMS:
        return False, f"is registered; no {CHAMPION} yet: {_too_few(storms)}"
    return True, f"is the {CHAMPION}: there was none before"


def _against(client: Any, champion: Any, table: Path) -> tuple[bool, str]:
    """Whether a model with `table` takes the champion's place, and why or why not."""
    try:
        new, old = _read(table), _table(client, champion)
        has, had = _storms(new), _storms(old)
        if had < FEWEST_STORMS <= has:
            return True, f"which was {_too_few(had)}; this one on {has}"
        found = succession(new, old, FORECAST)
    except (Incomparable, ValueError) as error:
        return False, f"not comparable: {error}"
    return found.moves, found.sentence


def _table(client: Any, champion: Any) -> pd.DataFrame:
    """The champion's CRPS by window, from the run of its verification."""
    execution = champion.tags.get(EXECUTION)
    if execution is None:
        raise Incomparable(
            f"version {champion.version} has no tag {EXECUTION} that names the run of its "
            "verification; move the alias by hand"
        )
    with tempfile.TemporaryDirectory() as folder:
        try:
            place = client.download_artifacts(execution, f"{TABLE_FOLDER}/{TABLE}", folder)
        except Exception as error:
            if not _missing(client, execution):
                raise
            raise Incomparable(
                f"run {execution} has no {TABLE_FOLDER}/{TABLE} of the champion any more "
                f"({_line(error)}); verify it again, or move the alias by hand"
            ) from None
        return _read(Path(place))


def _read(table: Path) -> pd.DataFrame:
    return pd.read_csv(table, dtype={"storm": str})


def _storms(table: pd.DataFrame) -> int:
    """How many storms the model has a score in."""
    for name in ("storm", FORECAST):
        if name not in table:
            raise ValueError(
                f"no column {name} among {', '.join(map(str, table))}; expected CRPS by window as "
                "the stage verify writes it"
            )
    return table[table[FORECAST].notna()].storm.nunique()


def _too_few(storms: int) -> str:
    return f"verified on {storms} test storms, expected at least {FEWEST_STORMS}"


def _missing(client: Any, run: str) -> bool:
    """Whether the table of a run is gone; False where the server only does not answer."""
    from mlflow.exceptions import MlflowException

    try:
        paths = [artifact.path for artifact in client.list_artifacts(run, TABLE_FOLDER)]
    except MlflowException as error:
        return error.get_http_status_code() == 404
    return f"{TABLE_FOLDER}/{TABLE}" not in paths


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]
