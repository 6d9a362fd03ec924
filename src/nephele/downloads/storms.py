"""Which storms: by IBTrACS's identifier, by name and season, or whole seasons.

An identifier (SID) is the day and place where a track begins: 2013306N07162 is Haiyan's.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

HEADER = 2  # lines of the CSV before its rows: names, units


def listed(tracks: Path) -> pd.DataFrame:
    """Name and season of each storm of an IBTrACS CSV, by SID.

    Raises:
        ValueError: the file is no such table.
    """
    try:
        rows = pd.read_csv(
            tracks,
            usecols=["SID", "SEASON", "NAME"],
            skiprows=[1],
            keep_default_na=False,
            dtype=str,
        )
        storms = rows.drop_duplicates("SID").set_index("SID")
        return storms.assign(SEASON=storms["SEASON"].astype(int))
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{tracks}: found no table of IBTrACS ({str(error).splitlines()[0][:100]}), expected "
            "the columns SID, SEASON and NAME; remove the file, and it is fetched again"
        ) from None


def chosen(storms: pd.DataFrame, names: Iterable[str], seasons: Iterable[int]) -> list[str]:
    """The SIDs of `names` (a SID, or NAME-SEASON) and of all storms of `seasons`, in their order.

    Raises:
        ValueError: a name is unknown or of more than one storm, or a season has no storm.
    """
    found = [_sid(storms, name) for name in names]
    for season in seasons:
        of_season = storms.index[storms["SEASON"] == season]
        if of_season.empty:
            raise ValueError(
                f"download.years: IBTrACS has no storm of {season}, expected "
                f"{storms['SEASON'].min()} to {storms['SEASON'].max()}; correct the year"
            )
        found.extend(of_season)
    return sorted(set(found))


def copy(tracks: Path, storms: Iterable[str], target: Path) -> None:
    """The rows of `storms` of an IBTrACS CSV as a file of the same layout."""
    wanted = set(storms)
    with tracks.open() as source, target.open("w") as result:
        for number, line in enumerate(source):
            if number < HEADER or line.partition(",")[0] in wanted:
                result.write(line)


def _sid(storms: pd.DataFrame, name: str) -> str:
    if name in storms.index:
        return name
    title, _, season = name.upper().rpartition("-")
    same = storms.index[(storms["NAME"] == title) & (storms["SEASON"].astype(str) == season)]
    if len(same) == 1:
        return str(same[0])
    if len(same):
        raise ValueError(
            f"download.storms: {name} is the name of {len(same)} storms, expected one; "
            f"write one of {', '.join(same)}"
        )
    raise ValueError(
        f"download.storms: IBTrACS has no {name}, expected a SID such as 2013306N07162 or "
        "NAME-SEASON such as HAIYAN-2013; correct it, or take another basin in download.ibtracs"
    )
