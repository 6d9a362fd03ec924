"""What a report is made of, in memory."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from nephele.pictures.captions import CAPTIONS, caption, title


@dataclass(frozen=True)
class Picture:
    """A picture of the page; `still` replaces it on paper where it moves."""

    name: str
    content: bytes  # PNG
    still: bytes | None = None
    text: str = ""  # its caption; by default what is known of its name

    @property
    def uri(self) -> str:
        return _uri(self.content)

    @property
    def still_uri(self) -> str:
        return _uri(self.still or self.content)

    def caption(self, part: str) -> str:
        """Its own text, or what is known of pictures of its name in that part of the page."""
        return self.text or caption(self.name, part)

    @property
    def alt(self) -> str:
        return title(self.name)


@dataclass(frozen=True)
class Evidence:
    """What the stages before the report found, read into memory.

    Attributes:
        attributes: of the windows: source, synthetic, environment, attribution, ….
        windows: columns storm and split, a row a window.
        regridding, tsne, causal: what those stages counted and measured.
        training: by network, what its training measured.
        similarity, probe, scores, differences: tables as their stages write them.
        verification: the scores nested, their counts, and the calibration of the ensembles.
        parameters: of all stages, by section.
        pictures: by the part of the page that they belong to.
    """

    attributes: Mapping
    windows: pd.DataFrame
    regridding: Mapping
    training: Mapping[str, Mapping]
    causal: Mapping
    similarity: pd.DataFrame
    probe: pd.DataFrame
    tsne: Mapping
    scores: pd.DataFrame
    differences: pd.DataFrame
    verification: Mapping
    parameters: Mapping[str, Mapping]
    pictures: Mapping[str, list[Picture]] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        return bool(self.attributes["synthetic"])

    @property
    def climatological(self) -> bool:
        return self.attributes["environment"] == "climatology"

    @property
    def counts(self) -> Mapping[str, int]:
        """Storms, windows and members of the verification."""
        return self.verification["counts"]["test"]

    @property
    def calibration(self) -> Mapping[str, Mapping[str, Mapping]]:
        """Forecast → lead time → spread over error, and evenness of the ranks."""
        return self.verification.get("calibration", {})

    def shown(self, part: str) -> list[Picture]:
        """The pictures of a part of the page, what matters most first."""
        known = list(CAPTIONS)
        return sorted(
            self.pictures.get(part, []),
            key=lambda picture: known.index(picture.name) if picture.name in known else len(known),
        )

    def with_pictures(self, part: str, pictures: list[Picture]) -> "Evidence":
        """The same with the pictures of one more part of the page."""
        return replace(self, pictures={**self.pictures, part: pictures})


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
