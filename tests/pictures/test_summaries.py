import base64
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from nephele.pictures.summaries import picture_page, scores_in_markdown

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


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_page_holds_the_picture_itself_and_says_what_was_said():
    page = Page()
    page.feed(picture_page("A <b> matrix", b"PNG", {"Learned": "by the head & nothing else"}))
    assert page.sources == ["data:image/png;base64," + base64.b64encode(b"PNG").decode()]
    assert "A <b> matrix" in page.text
    assert "by the head & nothing else" in page.text
