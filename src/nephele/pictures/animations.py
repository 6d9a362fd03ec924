"""A forecast beside what came, as a moving picture and as a film strip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nephele.pictures import canvas, palette
from nephele.pictures.canvas import Index, Sheet, hours, utc

LEVELS = 121  # one a kelvin
GREYS = 64  # of the lettering: LEVELS is white, LEVELS + GREYS - 1 is ink
PANEL = 256  # pixels a side at least, where the data are no larger
GAP = 14
TITLE = 28  # pixels above a panel
HEADER = 66
FOOTER = 62
STEP = 700  # ms a frame
PAUSE = 1600  # ms on the last lead time


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
    """An animated PNG that plays the lead times, then the past: its first frame is a forecast."""
    moments = [*range(len(forecast.lead_hours)), *range(-len(forecast.past_hours), 0)]
    pictures = [_image(_moment(forecast, moment)) for moment in moments]
    last_lead = len(forecast.lead_hours) - 1
    durations = [PAUSE if moment in (last_lead, -1) else STEP for moment in moments]
    return canvas.png(pictures, durations)


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
        [Panel(name, hours(forecast.lead_hours[lead]), frames[lead]) for lead in leads]
        for name, frames in rows.items()
    ]
    return canvas.png([_image(_sheet(panels, _title(forecast), "", forecast.label))])


def _moment(forecast: Forecast, moment: int) -> Index:
    """The six panels at lead time number `moment`, or at a past time where it is negative."""
    is_past = moment < 0
    at = forecast.past_hours[moment] if is_past else forecast.lead_hours[moment]
    past = moment if is_past else -1

    def panel(title: str, frames: np.ndarray) -> Panel:
        return Panel(title, "" if is_past else hours(at), None if is_past else frames[moment])

    observed = [
        Panel("Past, given", hours(forecast.past_hours[past]), forecast.past[past]),
        panel("Satellite, to be forecast", forecast.truth),
        panel("Persistence", forecast.persistence),
    ]
    forecasts = [
        panel(f"{forecast.network.capitalize()}: mean", forecast.mean),
        panel("Member 1", forecast.members[0]),
        panel("Member 2", forecast.members[1]),
    ]
    return _sheet([observed, forecasts], _title(forecast), _clock(forecast, at), forecast.label)


def _sheet(panels: list[list[Panel]], title: str, clock: str, label: str) -> Index:
    """All panels with header and colour bar."""
    zoom = max(1, round(PANEL / _side(panels)))
    side = zoom * _side(panels)
    width = GAP + len(panels[0]) * (side + GAP)
    height = HEADER + len(panels) * (TITLE + side + GAP) + FOOTER
    sheet = Sheet(width, height, LEVELS, GREYS)

    sheet.write((GAP, 20), title, 20, shade=255, bold=True)
    sheet.write((GAP, 48), label, 15, shade=255, bold=True)
    sheet.write((width - GAP, 20), clock, 20, "rm", shade=255, bold=True)
    for top, left, panel in _places(panels, side):
        sheet.write((left, top - 12), panel.title, 15)
        sheet.write((left + side, top - 12), panel.note, 15, "rm", bold=True)
        sheet.put(top, left, _pixels(panel.kelvin, zoom, side))
    _colour_bar(sheet)
    return sheet.finished()


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
    return canvas.enlarged(palette.indices(kelvin, LEVELS), zoom)


def _colour_bar(sheet: Sheet) -> None:
    """Temperatures along the bottom, warm on the left as clouds grow to the right."""
    height, width = sheet.fields.shape
    left, right, top = GAP, width - GAP - 1, height - FOOTER + 8
    position = np.round(np.linspace(LEVELS - 1, 0, right - left + 1)).astype(np.uint8)
    sheet.put(top, left, position[None].repeat(16, 0))
    for kelvin in range(300, 185, -20):
        share = (palette.WARMEST - kelvin) / (palette.WARMEST - palette.COLDEST)
        x = left + share * (right - left)
        sheet.pen.line([(x, top + 16), (x, top + 21)], 200)
        sheet.write((x, top + 33), f"{kelvin} K", 14, "mm")


def _image(indices: Index) -> Image.Image:
    return canvas.image(indices, palette.levels(LEVELS), GREYS)


def _title(forecast: Forecast) -> str:
    return f"{forecast.storm} · init {utc(forecast.init_time)}"


def _clock(forecast: Forecast, at: int | float) -> str:
    valid = forecast.init_time + np.timedelta64(round(at * 3600), "s")
    return f"{hours(at)} · {utc(valid)}"
