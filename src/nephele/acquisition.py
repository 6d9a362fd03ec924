"""What `acquire` reads, and from where: the section `acquire` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt
from pydantic.dataclasses import dataclass

from nephele.typed import STRICT


@dataclass(frozen=True, config=STRICT)
class SyntheticParams:
    seed: int
    storms: Annotated[int, Field(ge=3)]
    frames: PositiveInt


@dataclass(frozen=True, config=STRICT)
class DigitalTyphoonParams:
    archive: str | None


@dataclass(frozen=True, config=STRICT)
class GridSatParams:
    files: str | None
    tracks: str | None


@dataclass(frozen=True, config=STRICT)
class AcquireParams:
    source: Literal["synthetic", "digital_typhoon", "gridsat"]
    variables: dict[str, int | None]
    era5: str | None
    environment: Literal["analysis", "climatology"]
    max_fill: Annotated[float, Field(ge=0, lt=1)]
    synthetic: SyntheticParams
    digital_typhoon: DigitalTyphoonParams
    gridsat: GridSatParams
