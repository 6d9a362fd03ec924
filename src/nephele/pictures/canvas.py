"""What pictures of forecasts are drawn with: fields and lettering in palette indices.

Every pixel is a pixel of the data, no colour is ever approximated, files stay small, and the
same fields always give the same bytes. A palette is the colours of the fields followed by a
ramp from paper to ink for the lettering.
"""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK = np.array([28, 32, 38])

Index = np.ndarray  # uint8, a picture in palette indices: (y, x) from the top


class Sheet:
    """A blank picture to put fields and letters on.

    Args:
        colours: how many of the palette's colours are the fields'; the next is paper.
        greys: how many shades from paper to ink follow them.
    """

    def __init__(self, width: int, height: int, colours: int, greys: int) -> None:
        self.paper, self.greys = colours, greys
        self.fields = np.full((height, width), colours, np.uint8)
        self._lettering = Image.new("L", (width, height), 0)
        self.pen = ImageDraw.Draw(self._lettering)

    def put(self, top: int, left: int, indices: Index) -> None:
        """Put a field on the sheet, its first row uppermost."""
        height, width = indices.shape
        self.fields[top : top + height, left : left + width] = indices

    def write(
        self,
        place: tuple[float, float],
        text: str,
        size: int,
        anchor: str = "lm",
        shade: int = 230,
        bold: bool = False,
    ) -> None:
        """Write `text` at `place` (x, y); `shade` is 0 for paper, 255 for ink."""
        self.pen.text(place, text, shade, font(size, bold), anchor=anchor)

    def finished(self) -> Index:
        """The picture, lettering on top."""
        shades = np.asarray(self._lettering) / 255 * (self.greys - 1)
        letters = np.round(shades).astype(np.uint8)
        return np.where(letters > 0, self.paper + letters, self.fields).astype(np.uint8)


def image(indices: Index, colours: np.ndarray, greys: int) -> Image.Image:
    """`indices` with their palette: `colours` (n, 3), then `greys` shades from white to ink."""
    ramp = 255 + np.linspace(0, 1, greys)[:, None] * (INK - 255)
    picture = Image.fromarray(indices)
    picture.putpalette(np.concatenate([colours, np.round(ramp)]).astype(np.uint8).tobytes())
    return picture


def png(pictures: Sequence[Image.Image], durations: Sequence[int] = (), effort: int = 9) -> bytes:
    """A PNG; an animated one, played for ever, where there are several pictures.

    (A GIF of the same pictures is more than twice as large, and no browser of today needs it.)

    Args:
        durations: how long each picture stays, ms.
        effort: of the compression, 1 to 9.
    """
    stream = io.BytesIO()
    moving = (
        {"save_all": True, "append_images": pictures[1:], "duration": list(durations), "loop": 0}
        if len(pictures) > 1
        else {}
    )
    pictures[0].save(stream, "PNG", compress_level=effort, **moving)
    return stream.getvalue()


def enlarged(indices: Index, zoom: int) -> Index:
    """A field with y northward as it is put on a sheet: `zoom` pixels a cell, north up."""
    return indices[::-1].repeat(zoom, 0).repeat(zoom, 1)


def hours(count: int | float) -> str:
    """A lead time, or with a minus a time before."""
    sign = "+" if count > 0 else "−" if count < 0 else ""
    return f"{sign}{abs(count):g} h"


def utc(time: np.datetime64) -> str:
    """A moment, to the minute."""
    return str(time.astype("datetime64[m]")).replace("T", " ") + " UTC"


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The pictures' font."""
    # matplotlib brings this font along, so a picture looks the same on every machine.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
