"""What `components.acquire.download` fetches: the section `download`, which no stage reads."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from nephele.typed import STRICT


@dataclass(frozen=True, config=STRICT)
class GridSatParams:
    bucket: str
    endpoint: str | None  # null: Amazon's own
    parallel: PositiveInt


@dataclass(frozen=True, config=STRICT)
class CdsParams:
    url: str
    parallel: PositiveInt


@dataclass(frozen=True, config=STRICT)
class ArcoParams:
    store: str
    parallel: PositiveInt


@dataclass(frozen=True, config=STRICT)
class RetryParams:
    """All in seconds, but for the factor."""

    timeout: PositiveFloat
    wait: PositiveFloat
    factor: Annotated[float, Field(ge=1)]
    longest: PositiveFloat
    patience: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class DownloadParams:
    storms: list[str | int]
    years: list[int]
    tracks: Literal["ibtracs", "digital_typhoon"]
    frames: Literal["gridsat"] | None
    era5: Literal["cds", "arco"] | None
    hours: Literal[1, 2, 3, 4, 6]  # an older field is a gap to the readers
    ibtracs: str
    gridsat: GridSatParams
    cds: CdsParams
    arco: ArcoParams
    retries: RetryParams
