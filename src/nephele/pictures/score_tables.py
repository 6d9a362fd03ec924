"""The tables of verification: scores, ledger, differences, calibration, power by scale."""

from collections.abc import Callable, Mapping

import pandas as pd
from markupsafe import Markup

from nephele.pictures import findings, tables
from nephele.pictures.calibration_words import ratio
from nephele.pictures.captions import title
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import number

SPECTRUM = "spectrum_ratio."
SCORES = {
    "crps": "Fair CRPS (K, less is better)",
    "rmse": "RMSE of the ensemble mean (K, less is better)",
    "bias": "Bias of the ensemble mean (K, zero is best)",
    "spread_skill": "Spread–skill ratio (one is best; of ensembles only)",
    "ssim": "Structural similarity (one is best)",
    "fss_235": "Fractions skill score of cloud colder than 235 K (one is best)",
    "fss_220": "Fractions skill score of cloud colder than 220 K (one is best)",
}
LEDGER = {
    "gain_over_control": "CRPS gained over the control (K)",
    "rmse_gain_over_control": "RMSE gained over the control (K)",
    "gap_closed": "Share of the teacher's gain",
}
GAINS = LEDGER | {
    "gain_over_persistence": "CRPS gained over persistence (K)",
    "rmse_gain_over_persistence": "RMSE gained over persistence (K)",
}
BANDS = {
    "below_100_km": "below 100 km",
    "100_to_300_km": "100 to 300 km",
    "300_to_1000_km": "300 to 1000 km",
    "above_1000_km": "above 1000 km",
}
FORECASTS = {
    "teacher": "teacher (sees ERA5)",
    "student": "student",
    "control": "control (no teacher)",
    "teacher_shuffled": "teacher, shuffled ERA5",
    "persistence": "persistence",
    "optical_flow": "optical flow",
}
DIFFERENCES = {"crps": "CRPS (K)", "rmse": "RMSE of the mean (K)"}


def of(evidence: Evidence) -> list[Markup]:
    """All of them, the claim of the run first."""
    return [
        ledger(evidence.scores),
        *scores(evidence.scores),
        *differences(evidence.differences),
        *calibration(evidence.calibration),
        *spectra(evidence.scores),
    ]


def ledger(scores: pd.DataFrame) -> Markup:
    """What ERA5 gave, and what was kept of it: gains in the mean over the lead times."""
    return tables.html(
        _means(scores, LEDGER),
        "The ledger: gains in the mean over lead times, paired (more is better)",
        "The claim of the run is the share, named before any figure was seen; it is given only "
        "where the interval of the teacher's gain over the control lies above zero.",
    )


def scores(scores: pd.DataFrame) -> list[Markup]:
    """CRPS and RMSE by lead time, and the others folded away."""
    known = set(scores.score)
    others = [n for n in known if n not in SCORES | GAINS and not n.startswith(SPECTRUM)]
    further = [name for name in SCORES if name in known] + sorted(others)
    shown, more = further[:2], further[2:] + [name for name in GAINS if name in known]
    return [
        *(_by_lead(scores, name) for name in shown),
        tables.folded(
            "Further scores and all gains by lead time", (_by_lead(scores, n) for n in more)
        ),
    ]


def differences(found: pd.DataFrame) -> list[Markup]:
    """Every difference with its verdict: the means, and the lead times folded away."""
    named = found.assign(forecast=[_pair(row) for row in found.to_dict("records")])
    means = {
        column: tables.by_lead(named[(named.score == score) & (named.lead_hours == "mean")], {})
        for score, column in DIFFERENCES.items()
    }
    whole = pd.DataFrame({name: frame["mean"] for name, frame in means.items()}, dtype=object)
    count = int(found.low.notna().sum())
    return [
        tables.html(
            whole.fillna("–"),
            "Differences in the mean over lead times: the first forecast less the second, paired",
            "Below zero the first is better. No evidence of a difference is not evidence of none. "
            f"Of the {count} intervals, lead times counted, some {count / 20:.0f} would exclude "
            "zero if no forecast differed from another.",
        ),
        tables.folded(
            "The same by lead time",
            (
                tables.html(tables.by_lead(named[named.score == score], {}), name)
                for score, name in DIFFERENCES.items()
            ),
        ),
    ]


def _pair(row: Mapping) -> str:
    return " − ".join(row[end].replace("_", " ") for end in ("forecast", "against"))


def calibration(found: Mapping[str, Mapping[str, Mapping]]) -> list[Markup]:
    """Spread over error, and how uneven the ranks are, of every ensemble by lead time."""
    if not found:
        return []
    spread, ranks = _entries(found, _spread), _entries(found, _unevenness)
    return [
        tables.html(
            spread,
            "Calibration: spread over error (one is best), and whether it is within what is wanted",
            "A question mark: the interval is not wholly on that side.",
        ),
        tables.html(
            ranks,
            "Calibration: unevenness of the rank histogram (reliability index, zero is even)",
            "In small print what 95 % of perfect ensembles of as many windows do not exceed.",
        ),
    ]


def _spread(entry: Mapping) -> Markup:
    words = "within" if entry["within"] else entry["statement"].partition(":")[0]
    mark = "" if entry["sure"] else "?"
    return tables.with_interval(ratio(entry)) + tables.said(words + mark, entry["sure"])


def _unevenness(entry: Mapping) -> Markup:
    return Markup("{}<small>{}</small>").format(
        number(entry["reliability_index"]), number(entry["perfect_most"])
    )


def _entries(
    found: Mapping[str, Mapping[str, Mapping]], cell: Callable[[Mapping], Markup]
) -> pd.DataFrame:
    """A row an ensemble, a column a lead time."""
    headers = tables.lead_headers(lead for by_lead in found.values() for lead in by_lead)
    rows = {
        FORECASTS.get(name, title(name)): {
            header: cell(by_lead[lead]) for lead, header in headers.items()
        }
        for name, by_lead in found.items()
    }
    return pd.DataFrame(rows, dtype=object).T


def spectra(scores: pd.DataFrame) -> list[Markup]:
    """Power of single members over that of the truth, by band of wavelengths."""
    bands = {f"{SPECTRUM}{band}": name for band, name in BANDS.items()}
    present = {score: name for score, name in bands.items() if score in set(scores.score)}
    if not present:
        return []
    return [
        tables.html(
            _means(scores, present),
            "Power of single members over that of the truth, by wavelength (one is best)",
            "Above one the members are noisy there, below one they are blurred.",
        ),
        tables.folded(
            "The same by lead time",
            (_by_lead(scores, score, name) for score, name in present.items()),
        ),
    ]


def _by_lead(scores: pd.DataFrame, score: str, text: str = "") -> Markup:
    rows = scores[scores.score == score]
    name = text or (SCORES | GAINS).get(score, title(score))
    return tables.html(tables.by_lead(rows, FORECASTS), name)


def _means(scores: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """A row a forecast, a column a score, in the mean over the lead times."""
    chosen = scores[scores.score.isin(columns)]
    rows = {
        name: {
            column: tables.with_interval(findings.estimate(scores, score, forecast))
            for score, column in columns.items()
        }
        for forecast, name in FORECASTS.items()
        if forecast in set(chosen.forecast)
    }
    return pd.DataFrame(rows, dtype=object).T
