"""An issued forecast as a moving picture: past, mean, spread, probability and the members."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import matplotlib
import numpy as np
import xarray as xr
from PIL import Image

from nephele.pictures import canvas, palette
from nephele.pictures.canvas import Index, Sheet, hours, utc

PANEL = 256  # pixels a side at least, where the data are no larger
STAMP = 128  # the same, of a member
MOST_STAMPS = 16
GAP, NARROW = 14, 6
HEADER, TITLE, BAR, FOOTER = 70, 28, 50, 22
STEP, PAUSE = 700, 1600  # ms a frame; on the last lead time and on the initial one
EFFORT = 6  # of the compression: 9 takes four times as long for 2 % less


@dataclass(frozen=True)
class Scale:
    """Some of the palette's colours, and the values that they stand for.

    Attributes:
        first: index of the colour of `low`.
        count: of colours up to the one of `high`.
        ticks: values that a colour bar is marked at, in the bar's order.
        factor: from the value to what the bar says.
    """

    first: int
    count: int
    low: float
    high: float
    ticks: tuple[float, ...]
    unit: str
    factor: float = 1.0

    def indices(self, values: np.ndarray) -> Index:
        """The palette's indices of `values`; beyond the scale they have the end's colour."""
        share = np.clip((values - self.low) / (self.high - self.low), 0, 1)
        return (self.first + np.round(share * (self.count - 1))).astype(np.uint8)


TEMPERATURE = Scale(0, 121, palette.COLDEST, palette.WARMEST, tuple(range(300, 185, -20)), "K")
SPREAD = Scale(121, 51, 0.0, 25.0, (0, 5, 10, 15, 20, 25), "K")
PROBABILITY = Scale(172, 41, 0.0, 1.0, (0, 0.25, 0.5, 0.75, 1), "%", 100)
COLOURS = 213
GREYS = 43


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels; `cells` is the data's size."""

    cells: int
    members: int

    @property
    def zoom(self) -> int:
        return max(1, round(PANEL / self.cells))

    @property
    def side(self) -> int:
        return self.zoom * self.cells

    @property
    def stamp_zoom(self) -> int:
        return max(1, round(STAMP / self.cells))

    @property
    def stamp(self) -> int:
        return self.stamp_zoom * self.cells

    @property
    def width(self) -> int:
        return GAP + 4 * (self.side + GAP)

    @property
    def columns(self) -> int:
        return max(1, (self.width - 2 * GAP + NARROW) // (self.stamp + NARROW))

    @property
    def stamps_top(self) -> int:
        return HEADER + TITLE + self.side + BAR + TITLE

    @property
    def height(self) -> int:
        rows = -(-self.members // self.columns)
        return self.stamps_top + rows * (self.stamp + NARROW) - NARROW + FOOTER

    def panel(self, column: int) -> tuple[int, int]:
        """Top and left of a panel."""
        return HEADER + TITLE, GAP + column * (self.side + GAP)

    def stamps(self) -> Iterator[tuple[int, int]]:
        """Top and left of every member's picture."""
        spare = self.width - 2 * GAP - self.columns * self.stamp
        gap = min(GAP, spare // max(1, self.columns - 1))
        for number in range(self.members):
            row, column = divmod(number, self.columns)
            yield self.stamps_top + row * (self.stamp + NARROW), GAP + column * (self.stamp + gap)


def animation(forecast: xr.Dataset) -> bytes:
    """An animated PNG that plays the lead times, then the past: its first frame is a forecast.

    Args:
        forecast: as `nephele.products.dataset` has it, K; SYNTHETIC is said where its attribute
            `synthetic` is true.
    """
    leads, past = forecast.sizes["lead_time"], forecast.sizes["time"]
    moments = [*range(leads), *range(-past, 0)]
    pictures = [_image(_moment(forecast, moment)) for moment in moments]
    pauses = [PAUSE if moment in (leads - 1, -1) else STEP for moment in moments]
    return canvas.png(pictures, pauses, EFFORT)


def still(forecast: xr.Dataset, lead: int) -> bytes:
    """The picture at lead time number `lead` (from 0) as a PNG that does not move."""
    return canvas.png([_image(_moment(forecast, lead))])


def _moment(forecast: xr.Dataset, moment: int) -> Index:
    """The sheet at lead time number `moment`, or at a past time where it is negative."""
    shown = min(forecast.sizes["member"], MOST_STAMPS)
    layout = Layout(forecast.sizes["x"], shown)
    sheet = Sheet(layout.width, layout.height, COLOURS, GREYS)
    is_past = moment < 0
    lead = 0 if is_past else moment
    past = moment if is_past else -1
    moments = forecast.time.values
    at = _hours(moments[past] - moments[-1]) if is_past else _lead(forecast, lead)
    valid = moments[past] if is_past else forecast.valid_time.values[lead]
    _header(sheet, forecast, f"{hours(at)} · {utc(valid)}")

    note = "" if is_past else hours(at)
    members = forecast.sizes["member"]
    panels = [
        ("Observed", hours(_hours(moments[past] - moments[-1])), TEMPERATURE),
        (f"Mean of {members} members", note, TEMPERATURE),
        ("Spread (std. dev.)", note, SPREAD),
        (f"Probability of < {float(forecast.threshold):.0f} K", note, PROBABILITY),
    ]
    fields = [forecast.observed_brightness_temperature.values[past]]
    for name in ("ensemble_mean", "ensemble_spread", "probability_of_cold_cloud"):
        fields.append(forecast[name].values[lead])
    for column, ((title, when, scale), values) in enumerate(zip(panels, fields, strict=True)):
        top, left = layout.panel(column)
        sheet.write((left, top - 13), title, 15)
        sheet.write((left + layout.side, top - 13), when, 15, "rm", bold=True)
        empty = is_past and column > 0
        sheet.put(top, left, _pixels(None if empty else values, scale, layout.zoom, layout.side))
    _bars(sheet, layout)
    _stamps(sheet, layout, None if is_past else forecast.brightness_temperature.values[:, lead])
    return sheet.finished()


def _header(sheet: Sheet, forecast: xr.Dataset, clock: str) -> None:
    width = sheet.fields.shape[1]
    storm, init = forecast.attrs["storm"], utc(forecast.init_time.values)
    sheet.write((GAP, 22), f"{storm} · forecast from {init}", 20, shade=255, bold=True)
    sheet.write((width - GAP, 22), clock, 20, "rm", shade=255, bold=True)
    across = float(np.ptp(forecast.x.values)) / 1e3 * forecast.sizes["x"]
    across /= forecast.sizes["x"] - 1
    about = f"{across:.0f} × {across:.0f} km about the storm's centre, north up"
    sheet.write((width - GAP, 50), about, 14, "rm", shade=170)
    label = _label(forecast.attrs)
    text = label or "infrared brightness temperature"
    sheet.write((GAP, 50), text, 14, shade=255 if label else 170, bold=bool(label))
    # Whose frames these are: most licences want it said wherever they are shown.
    attribution = str(forecast.attrs.get("input_attribution", ""))
    sheet.write((GAP, sheet.fields.shape[0] - FOOTER / 2), attribution, 11, shade=170)


def _label(attributes: Mapping) -> str:
    """What must be known before the picture is looked at."""
    if int(attributes.get("synthetic", 0)):
        return "SYNTHETIC: a simulated world"
    if int(attributes.get("model_synthetic", 0)):
        return "by a model that has learnt from SYNTHETIC storms only"
    return ""


def _bars(sheet: Sheet, layout: Layout) -> None:
    """A colour bar below the panels that it belongs to."""
    top = HEADER + TITLE + layout.side + NARROW
    for scale, first, last in ((TEMPERATURE, 0, 1), (SPREAD, 2, 2), (PROBABILITY, 3, 3)):
        left, right = layout.panel(first)[1], layout.panel(last)[1] + layout.side - 1
        ends = (scale.high, scale.low) if scale is TEMPERATURE else (scale.low, scale.high)
        values = np.linspace(*ends, right - left + 1)
        sheet.put(top, left, scale.indices(values)[None].repeat(12, 0))
        for tick in scale.ticks:
            x = left + (tick - ends[0]) / (ends[1] - ends[0]) * (right - left)
            sheet.pen.line([(x, top + 12), (x, top + 16)], 200)
            unit = f" {scale.unit}" if tick == scale.ticks[-1] else ""
            edge = "l" if x < left + 8 else "r" if x > right - 8 else "m"
            sheet.write((x, top + 27), f"{tick * scale.factor:g}{unit}", 13, f"{edge}m")


def _stamps(sheet: Sheet, layout: Layout, members: np.ndarray | None) -> None:
    """The first members, small; `members` is (member, y, x), None where there are none yet."""
    sheet.write((GAP, layout.stamps_top - 13), f"Members 1 to {layout.members}", 15)
    for number, (top, left) in enumerate(layout.stamps()):
        values = None if members is None else members[number]
        sheet.put(top, left, _pixels(values, TEMPERATURE, layout.stamp_zoom, layout.stamp))


def _pixels(values: np.ndarray | None, scale: Scale, zoom: int, side: int) -> Index:
    if values is None:
        return np.full((side, side), COLOURS + 3, np.uint8)  # a very light grey: not yet
    return canvas.enlarged(scale.indices(values), zoom)


def _image(indices: Index) -> Image.Image:
    colours = [palette.levels(TEMPERATURE.count)]
    for name, scale in (("YlGnBu", SPREAD), ("BuPu", PROBABILITY)):
        shares = matplotlib.colormaps[name](np.linspace(0, 1, scale.count))[:, :3]
        colours.append(np.round(255 * shares).astype(np.uint8))
    return canvas.image(indices, np.concatenate(colours), GREYS)


def _lead(forecast: xr.Dataset, lead: int) -> float:
    return _hours(forecast.valid_time.values[lead] - forecast.init_time.values)


def _hours(span: np.timedelta64) -> float:
    return float(span / np.timedelta64(1, "h"))
