import base64
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from nephele.pictures.summaries import (
    calibration_in_markdown,
    differences_in_markdown,
    picture_page,
    scores_in_markdown,
)

ROWS = [
    ("crps", "student", 11.26, 10.2, 12.3),
    ("crps", "persistence", 17.83, np.nan, np.nan),
    ("rmse", "student", 21.0, 19.4, 22.4),
    ("gain_over_control", "student", -0.14, -0.26, -0.03),
]


def scores():
    columns = ["score", "forecast", "value", "low", "high"]
    means = pd.DataFrame(ROWS, columns=columns).assign(lead_hours="mean")
    firsts = means.assign(lead_hours="3", value=99.0)
    return pd.concat([means, firsts]).assign(storms=18, windows=36)


def test_tables_hold_the_means_with_their_intervals_and_no_single_lead_time():
    text = scores_in_markdown(scores(), "SYNTHETIC")
    assert "SYNTHETIC: mean over the lead times, 95 % intervals over 18 storms (36 windows)" in text
    assert "| student | 11.26 (10.20 to 12.30) | 21.00 (19.40 to 22.40) |  |" in text
    assert "| persistence | 17.83 |  |  |" in text
    assert "| student | −0.14 (−0.26 to −0.03) |" in text
    assert "99" not in text


def differences(low):
    columns = ["score", "forecast", "against", "lead_hours", "value", "low", "verdict"]
    rows = [
        ("crps", "teacher_shuffled", "control", "3", 99.0, 98.0, "worse"),
        ("crps", "teacher_shuffled", "control", "mean", 1.72, 0.26, "worse"),
        ("rmse", "teacher_shuffled", "control", "3", 99.0, 98.0, "worse"),
        ("rmse", "teacher_shuffled", "control", "mean", 0.5, -0.2, "no evidence"),
    ]
    table = pd.DataFrame(rows, columns=columns).assign(high=lambda rows: rows.value + 1)
    return table if low else table.assign(low=np.nan, high=np.nan)


def test_differences_stand_with_their_verdicts_and_the_number_of_intervals():
    text = differences_in_markdown(pd.concat([differences(low=True)] * 10))
    assert "| teacher shuffled | control | 1.72 (0.26 to 2.72) | worse | 0.50" in text
    assert "(−0.20 to 1.50) | no evidence |" in text
    # One in twenty of the 40.
    assert "40 intervals in all" in text
    assert "some 2 of them" in text
    assert "99" not in text


def test_differences_without_intervals_say_why():
    text = differences_in_markdown(differences(low=False))
    assert "too few storms for intervals" in text
    assert "| 1.72 | worse |" in text


def test_calibration_is_said_in_words_lead_time_by_lead_time():
    found = {"spread_skill": 0.7, "low": None, "high": None, "reliability_index": 0.25}
    found |= {"perfect": 0.031, "statement": "too narrow"}
    text = calibration_in_markdown({"student": {"24": found}})
    assert "| student | 24 | 0.70 | too narrow | 0.25 (0.03) |" in text


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_page_holds_the_pictures_themselves_and_says_what_was_said():
    page = Page()
    page.feed(
        picture_page("A <b> matrix", [b"PNG", b"2nd"], {"Learned": "by the head & nothing else"})
    )
    assert page.sources == [
        "data:image/png;base64," + base64.b64encode(png).decode() for png in (b"PNG", b"2nd")
    ]
    assert "A <b> matrix" in page.text
    assert "by the head & nothing else" in page.text
