"""A forecast as a moving picture and as a film strip, every pixel a pixel of the data.

The pictures are drawn as palette indices (infrared levels, then a ramp of greys for the
lettering), so that no colour is ever approximated, the files stay small and the same
forecast always gives the same bytes.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nephele.pictures import palette

LEVELS = 121  # one a kelvin
GREYS = 64  # of the lettering: LEVELS is white, LEVELS + GREYS - 1 is ink
INK = np.array([28, 32, 38])
PANEL = 256  # pixels a side at least, where the data are no larger
GAP = 14
TITLE = 28  # pixels above a panel
HEADER = 66
FOOTER = 62
STEP = 700  # ms a frame
PAUSE = 1600  # ms on the last lead time

Index = np.ndarray  # uint8, a picture in palette indices: (y, x) from the top


@dataclass(frozen=True)
class Forecast:
    """One forecast of one test window; temperatures in K, y northward."""

    storm: str
    network: str
    init_time: np.datetime64
    past_hours: Sequence[int | float]  # from init, the last is 0
    past: np.ndarray  # (past, y, x)
    lead_hours: Sequence[int | float]
    truth: np.ndarray  # (lead, y, x)
    mean: np.ndarray  # (lead, y, x), of all members
    members: np.ndarray  # (2, lead, y, x)
    persistence: np.ndarray  # (lead, y, x)
    label: str = ""  # said in the picture, as SYNTHETIC


@dataclass(frozen=True)
class Panel:
    title: str
    note: str  # the time it shows
    kelvin: np.ndarray | None  # (y, x); None where there is nothing to show yet


def animation(forecast: Forecast) -> bytes:
    """An animated PNG that plays the lead times, then the past: its first frame is a forecast.

    (A GIF of the same picture is more than twice as large, and no browser of today needs it.)
    """
    moments = [*range(len(forecast.lead_hours)), *range(-len(forecast.past_hours), 0)]
    pictures = [_image(_moment(forecast, moment)) for moment in moments]
    last_lead = len(forecast.lead_hours) - 1
    durations = [PAUSE if moment in (last_lead, -1) else STEP for moment in moments]
    stream = io.BytesIO()
    pictures[0].save(
        stream,
        "PNG",
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        compress_level=9,
    )
    return stream.getvalue()


def film_strip(forecast: Forecast, columns: int = 4) -> bytes:
    """A PNG for print: a row each for truth, mean, member and persistence, a column a lead time.

    `columns` lead times are shown, evenly spread and ending with the last.
    """
    last = len(forecast.lead_hours) - 1
    count = min(columns, last + 1)
    leads = [round(last - (count - 1 - i) * (last + 1) / count) for i in range(count)]
    rows = {
        "Satellite": forecast.truth,
        "Ensemble mean": forecast.mean,
        "Member 1": forecast.members[0],
        "Persistence": forecast.persistence,
    }
    panels = [
        [Panel(name, _hours(forecast.lead_hours[lead]), frames[lead]) for lead in leads]
        for name, frames in rows.items()
    ]
    stream = io.BytesIO()
    _image(_sheet(panels, _title(forecast), "", forecast.label)).save(
        stream, "PNG", compress_level=9
    )
    return stream.getvalue()


def _moment(forecast: Forecast, moment: int) -> Index:
    """The six panels at lead time number `moment`, or at a past time where it is negative."""
    is_past = moment < 0
    hours = forecast.past_hours[moment] if is_past else forecast.lead_hours[moment]
    past = moment if is_past else -1

    def panel(title: str, frames: np.ndarray) -> Panel:
        return Panel(title, "" if is_past else _hours(hours), None if is_past else frames[moment])

    observed = [
        Panel("Past, given", _hours(forecast.past_hours[past]), forecast.past[past]),
        panel("Satellite, to be forecast", forecast.truth),
        panel("Persistence", forecast.persistence),
    ]
    forecasts = [
        panel(f"{forecast.network.capitalize()}: mean", forecast.mean),
        panel("Member 1", forecast.members[0]),
        panel("Member 2", forecast.members[1]),
    ]
    return _sheet([observed, forecasts], _title(forecast), _clock(forecast, hours), forecast.label)


def _sheet(panels: list[list[Panel]], title: str, clock: str, label: str) -> Index:
    """All panels with header and colour bar."""
    zoom = max(1, round(PANEL / _side(panels)))
    side = zoom * _side(panels)
    width = GAP + len(panels[0]) * (side + GAP)
    height = HEADER + len(panels) * (TITLE + side + GAP) + FOOTER
    sheet = np.full((height, width), LEVELS, np.uint8)
    lettering = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(lettering)

    pen.text((GAP, 20), title, 255, _font(20, bold=True), anchor="lm")
    pen.text((GAP, 48), label, 255, _font(15, bold=True), anchor="lm")
    pen.text((width - GAP, 20), clock, 255, _font(20, bold=True), anchor="rm")
    for top, left, panel in _places(panels, side):
        pen.text((left, top - 12), panel.title, 230, _font(15), anchor="lm")
        pen.text((left + side, top - 12), panel.note, 230, _font(15, bold=True), anchor="rm")
        sheet[top : top + side, left : left + side] = _pixels(panel.kelvin, zoom, side)
    _colour_bar(sheet, pen)

    letters = np.round(np.asarray(lettering) / 255 * (GREYS - 1)).astype(np.uint8)
    return np.where(letters > 0, LEVELS + letters, sheet).astype(np.uint8)


def _side(panels: list[list[Panel]]) -> int:
    shown = [panel.kelvin for row in panels for panel in row if panel.kelvin is not None]
    return max(shown[0].shape)


def _places(panels: list[list[Panel]], side: int) -> Iterator[tuple[int, int, Panel]]:
    for row, line in enumerate(panels):
        for column, panel in enumerate(line):
            top = HEADER + TITLE + row * (TITLE + side + GAP)
            yield top, GAP + column * (side + GAP), panel


def _pixels(kelvin: np.ndarray | None, zoom: int, side: int) -> Index:
    if kelvin is None:
        return np.full((side, side), LEVELS + 4, np.uint8)  # a very light grey: not yet
    northward_up = palette.indices(kelvin, LEVELS)[::-1]
    return northward_up.repeat(zoom, 0).repeat(zoom, 1)


def _colour_bar(sheet: Index, pen: ImageDraw.ImageDraw) -> None:
    """Temperatures along the bottom, warm on the left as clouds grow to the right."""
    height, width = sheet.shape
    left, right, top = GAP, width - GAP - 1, height - FOOTER + 8
    position = np.linspace(LEVELS - 1, 0, right - left + 1)
    sheet[top : top + 16, left : right + 1] = np.round(position).astype(np.uint8)
    for kelvin in range(300, 185, -20):
        share = (palette.WARMEST - kelvin) / (palette.WARMEST - palette.COLDEST)
        x = left + share * (right - left)
        pen.line([(x, top + 16), (x, top + 21)], 200)
        pen.text((x, top + 33), f"{kelvin} K", 230, _font(14), anchor="mm")


def _image(indices: Index) -> Image.Image:
    image = Image.fromarray(indices)
    greys = 255 + np.linspace(0, 1, GREYS)[:, None] * (INK - 255)
    colours = np.concatenate([palette.levels(LEVELS), np.round(greys)]).astype(np.uint8)
    image.putpalette(colours.tobytes())
    return image


def _title(forecast: Forecast) -> str:
    return f"{forecast.storm} · init {_time(forecast.init_time)}"


def _clock(forecast: Forecast, hours: int | float) -> str:
    valid = forecast.init_time + np.timedelta64(round(hours * 3600), "s")
    return f"{_hours(hours)} · {_time(valid)}"


def _hours(hours: int | float) -> str:
    sign = "+" if hours > 0 else "−" if hours < 0 else ""
    return f"{sign}{abs(hours):g} h"


def _time(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]")).replace("T", " ") + " UTC"


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    # matplotlib brings this font along, so a picture looks the same on every machine.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
