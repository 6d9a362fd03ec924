"""Tables of a page: pandas frames as HTML, with aligned figures and true minus signs."""

import math
from collections.abc import Iterable, Mapping

import pandas as pd
from markupsafe import Markup, escape

from nephele.pictures.headlines import Estimate, number

MEAN = "mean"  # of the lead times


def html(frame: pd.DataFrame, caption: str, note: str = "") -> Markup:
    """`frame` as an HTML table; cells of text or Markup, or figures shown as they are.

    The caption stands above it, the note, if there is one, below.
    """
    shown = frame.astype(object).map(escape)
    shown.index = pd.Index([escape(label) for label in frame.index])
    shown.columns = pd.Index([escape(label) for label in frame.columns])
    # pandas aligns headers by a style of its own; the page's style sheet does it here.
    table = (
        shown.to_html(escape=False, border=0)
        .replace(' style="text-align: right;"', "")
        .replace(' class="dataframe"', "")
    )
    below = Markup('<p class="note">{}</p>\n').format(note) if note else ""
    return Markup(
        '<figure class="table">\n<figcaption>{}</figcaption>\n'
        '<div class="scroll" tabindex="0" role="region" aria-label="{}">\n{}\n</div>\n{}</figure>'
    ).format(caption, caption, Markup(table), below)


def with_interval(estimate: Estimate, digits: int = 2) -> Markup:
    """A cell: the figure, and its interval in small print below it."""
    value = escape(number(estimate.value, digits))
    if not estimate.has_interval:
        return value
    low, high = number(estimate.low, digits), number(estimate.high, digits)
    return value + Markup("<small>{}\N{THIN SPACE}…\N{THIN SPACE}{}</small>").format(low, high)


def with_verdict(estimate: Estimate, verdict: str) -> Markup:
    """A cell: the figure, its interval, and below them what may be said of it."""
    return with_interval(estimate) + said(verdict, bool(estimate.sign))


def said(verdict: str, decided: bool) -> Markup:
    """A verdict below a figure; what is no evidence recedes."""
    kind = "decided" if decided else "open"
    return Markup('<small class="{}">{}</small>').format(kind, verdict)


def folded(summary: str, tables: Iterable[Markup]) -> Markup:
    """Tables that a reader opens."""
    inside = Markup("\n").join(tables)
    return Markup("<details>\n<summary>{}</summary>\n{}\n</details>").format(summary, inside)


def by_lead(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """One score as a table: a row a forecast, the mean first, then a column a lead time.

    Args:
        rows: columns forecast, lead_hours, value, low, high and, where there are some, verdict.
        names: what each forecast is called, in the order of the rows; others follow.
    """
    headers = lead_headers(rows.lead_hours)
    present = list(dict.fromkeys(rows.forecast))
    order = [name for name in names if name in present]
    order += [name for name in present if name not in order]
    numbers = rows[["value", "low", "high"]].to_numpy(float)
    found = [Estimate(*map(float, three)) for three in numbers]
    shown = (
        map(with_verdict, found, rows.verdict) if "verdict" in rows else map(with_interval, found)
    )
    cells = dict(zip(zip(rows.forecast, rows.lead_hours, strict=True), shown, strict=True))
    return pd.DataFrame(
        [[cells.get((name, lead), "–") for lead in headers] for name in order],
        index=[names.get(name, name.replace("_", " ")) for name in order],
        columns=list(headers.values()),
        dtype=object,  # a column of strings would forget which of them are markup
    )


def lead_headers(leads: Iterable[str]) -> dict[str, str]:
    """What stands above the column of each lead time; the mean first, if there is one."""
    present = set(leads)
    headers = {MEAN: MEAN} if MEAN in present else {}
    hours = sorted(present - {MEAN}, key=float)
    return headers | {lead: f"+{float(lead):g} h" for lead in hours}


def shown(value: object) -> str:
    """A figure as a cell: four significant digits, integers whole, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value}".replace("-", "−")
    if not math.isfinite(value):
        return "–"
    digits = 4 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}" if digits < 8 else f"{value:.2e}"
    return text.replace("-", "−")
