import pandas as pd
import pytest

from nephele.pictures import tables
from nephele.pictures.headlines import Estimate


def test_text_of_a_table_is_escaped_and_intervals_are_not():
    frame = pd.DataFrame(
        {"a<b": ["x & y", tables.with_interval(Estimate(1.0, 0.5, 2.0))]}, dtype=object
    )

    html = tables.html(frame, "one < two")

    assert "<th>a&lt;b</th>" in html
    assert "x &amp; y" in html
    assert "one &lt; two" in html
    assert "<td>1.00<small>0.50\N{THIN SPACE}…\N{THIN SPACE}2.00</small></td>" in html


def test_lead_times_stand_in_the_order_of_their_hours_after_their_mean():
    rows = pd.DataFrame(
        [("b", lead, 1.0, float("nan"), float("nan")) for lead in ("mean", "12", "3", "24")]
        + [("a", "3", 2.0, 1.0, 3.0)],
        columns=["forecast", "lead_hours", "value", "low", "high"],
    )

    table = tables.by_lead(rows, {"a": "the first", "b": "b"})

    assert list(table.columns) == ["mean", "+3 h", "+12 h", "+24 h"]
    assert list(table.index) == ["the first", "b"]
    assert table.loc["the first", "+12 h"] == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100812.4, "100812"),
        (0.0123456, "0.01235"),
        (-2.5, "−2.500"),
        (7, "7"),
        (None, "–"),
        (float("nan"), "–"),
        (3e-9, "3.00e−09"),
        ("words", "words"),
    ],
)
def test_figures_are_shown_with_four_digits(value, text):
    assert tables.shown(value) == text
