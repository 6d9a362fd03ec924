"""MLflow's pages of five executions and a training, as a reader sees them in a browser.

With PICTURES=folder, what is seen is written there for the docs.
"""

import json
import re

import pytest
from pages.executions import CRPS, HALF_WIDTH, PICTURES, VARIED

ALERTS = "[role=alert]:not([class*=alert-info])"
COMPLAINT = re.compile(
    "not found|does not exist|went wrong|failed|cannot|can't|unable", re.IGNORECASE
)
OURS = "SYNTHETIC: "  # begins the sentences of a report
CLOSE_ASSISTANT = "document.querySelector('[data-component-id$=\"chat_panel.close\"]')"
CARD = "[...document.querySelectorAll('[data-testid=experiment-view-compare-runs-card]')]"
PICTURE_CARD = f"{CARD}.find(card => card.querySelector('[title=forecast]'))"
SHOWN = """(() => {
  const slider = [...document.querySelectorAll('[role=slider]')].pop()
  const image = [...document.querySelectorAll('img.rc-image-img')].pop()
  return image && image.naturalWidth > 0
    ? [Number(slider.getAttribute('aria-valuenow')), image.src] : null
})()"""
# Row → column → text; the grid has its rows in two parts, beside each other.
TABLE = """(() => {
  const rows = {}
  for (const row of document.querySelectorAll('[role=row][row-index]'))
    for (const cell of row.querySelectorAll('[role=gridcell]')) {
      const found = rows[row.getAttribute('row-index')] ??= {}
      found[cell.getAttribute('col-id')] = cell.innerText.trim().split('\\n').pop()
    }
  return Object.values(rows)
})()"""


def button(text):
    return f"[...document.querySelectorAll('button')].find(e => e.innerText.trim() === '{text}')"


def link(text):
    return f"[...document.querySelectorAll('a')].find(e => e.innerText.trim() === '{text}')"


def troubles(page):
    """What MLflow complains of, and what it was refused; but for who uses it, which it asks."""
    refused = [line for line in page.failures if not line.endswith("/users/current")]
    alerts = page.evaluate(f"[...document.querySelectorAll('{ALERTS}')].map(e => e.innerText)")
    lines = [line for line in page.text().splitlines() if not line.startswith(OURS)]
    return refused + alerts + [line for line in lines if COMPLAINT.search(line)]


@pytest.fixture
def opened(browser, address):
    """Opens a page of MLflow, its assistant shut, which opens by itself once."""

    def open_page(url=address, width=2300, height=520):
        page = browser.open(url, width, height)
        page.wait("localStorage['mlflow.assistant.fab.autoOpenedOnFirstLoad_v1'] === 'true'")
        if page.evaluate("localStorage['mlflow.assistant.panelOpen_v1'] === 'true'"):
            page.click(CLOSE_ASSISTANT)
        page.wait(f"!{CLOSE_ASSISTANT}")
        return page

    return open_page


@pytest.fixture
def runs(opened):
    """The page that `make ui` names."""
    page = opened()
    page.wait("document.body.innerText.includes('matching runs')")
    page.wait(f"{TABLE}.length && {TABLE}.every(row => row['metrics.`crps_student`'])")
    return page


def test_the_page_of_runs_opens_with_each_execution_its_score_and_its_interval(runs, picture):
    rows = {row["attributes.`Run Name`"]: row for row in runs.evaluate(TABLE)}

    assert list(rows) == list(reversed(CRPS))
    for name, crps in CRPS.items():
        for metric, value in {
            "crps_student": crps,
            "crps_student_low": crps - HALF_WIDTH,
            "crps_student_high": crps + HALF_WIDTH,
            "gain_student": 5 - crps,
            "gain_student_low": 5 - crps - HALF_WIDTH,
            "gain_student_high": 5 - crps + HALF_WIDTH,
        }.items():
            assert float(rows[name][f"metrics.`{metric}`"]) == pytest.approx(value, abs=1e-6)
    shown = {column for row in rows.values() for column in row if column.startswith("params.")}
    assert shown == {f"params.`{name}`" for name in VARIED}
    assert troubles(runs) == []

    runs.click("document.querySelector('[aria-label=\"Hide banner\"]')")
    runs.resize(1980, 470)
    picture(runs, "mlflow_runs")


def test_ticking_all_and_compare_leads_to_the_parameters_that_differ(runs, picture):
    runs.click("document.querySelector('.ag-header-select-all input, [role=columnheader] input')")
    runs.click(button("Compare"))
    runs.resize(1400, 1300)
    runs.wait("location.hash.startsWith('#/compare-runs')")
    runs.wait("document.querySelectorAll('.parcoords .axis-title').length")
    axes = runs.evaluate(
        "[...document.querySelectorAll('.parcoords .axis-title')].map(e => e.textContent)"
    )
    assert "crps_student" in axes
    assert {*axes} - {"crps_student"} <= VARIED
    assert len(axes) >= 3

    runs.click("document.querySelector('[aria-label^=Parameters][role=switch]')")
    names = json.dumps(sorted(VARIED))
    listed = (
        "[...document.querySelectorAll('tr')].map(row => row.innerText.split('\\t')[0].trim())"
        ".filter(name => /^[a-z_]+\\.[a-z_.]+$/.test(name)).sort()"
    )
    runs.wait(f"JSON.stringify({listed}) === JSON.stringify({names})")
    assert all(name in runs.text() for name in CRPS)
    assert troubles(runs) == []

    runs.evaluate("document.querySelector('h1, h2').scrollIntoView({block: 'end'})")
    picture(runs, "mlflow_compare")


def test_the_page_of_an_execution_begins_with_what_its_report_says(runs):
    runs.click(link("bold-cirrus"))
    runs.wait("document.body.innerText.includes('Parameters (')")
    said = runs.text().split("Metrics (")[0]

    assert "its own is 4.65\N{NO-BREAK SPACE}K" in said
    assert "4.65 (4.55 to 4.75)" in said
    assert "SYNTHETIC" in said
    assert troubles(runs) == []


def test_the_pictures_of_a_training_are_stepped_through(opened, address, picture):
    stages = address.replace("experiments/1/", "experiments/2/").split("&")[0]
    page = opened(stages, 1250, 1150)
    page.click(link("pretrain_teacher misty-heron"))
    page.click(
        "[...document.querySelectorAll('[role=tab]')].find(e => /^Model m/.test(e.innerText))"
    )
    page.wait(PICTURE_CARD)
    page.click(f"{PICTURE_CARD}.querySelector('[data-component-id^=fullscreen]')")
    page.wait("document.querySelector('[role=dialog] [role=slider]')")
    page.evaluate("document.querySelector('[role=dialog] [role=slider]').focus()")

    seen = {}
    for step in PICTURES:
        page.press("ArrowRight")
        page.wait(f"{SHOWN}?.[0] === {step} && {SHOWN}[1].includes('step%2B{step}%2B')")
        seen[step] = page.evaluate(SHOWN)[1]
    assert len({*seen.values()}) == len(PICTURES)
    assert troubles(page) == []

    page.press("ArrowLeft")
    page.wait(f"{SHOWN}?.[0] === {PICTURES[-2]}")
    picture(page, "mlflow_forecast")


def test_the_page_of_a_run_that_is_not_there_counts_as_trouble(opened, address):
    page = opened(address.split("#")[0] + "#/experiments/1/runs/nowhere")
    page.wait("document.body.innerText.includes('does not exist')")

    assert troubles(page)
