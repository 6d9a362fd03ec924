"""The report: everything that a run of the pipeline found, on one self-contained page."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources

import jinja2
import pandas as pd
from markupsafe import Markup

from nephele.fields.variables import VARIABLES
from nephele.pictures import findings, tables
from nephele.pictures.captions import caption, title
from nephele.pictures.headlines import number

SCORE_NAMES = {
    "crps": "Fair CRPS (K, less is better)",
    "rmse": "RMSE of the ensemble mean (K, less is better)",
    "bias": "Bias of the ensemble mean (K, zero is best)",
    "spread_skill": "Spread–skill ratio (one is best; of ensembles only)",
    "ssim": "Structural similarity (one is best)",
    "fss_235": "Fractions skill score of cloud colder than 235 K (one is best)",
    "fss_220": "Fractions skill score of cloud colder than 220 K (one is best)",
    "gain_over_persistence": "Gain in CRPS over persistence, paired (K, more is better)",
    "gain_over_control": "Gain in CRPS over the control, paired (K, more is better)",
    "gap_closed": "Share of the teacher's gain that the student keeps (only where there is a gain)",
}
FORECAST_NAMES = {
    "teacher": "teacher (sees ERA5)",
    "student": "student",
    "control": "control (no teacher)",
    "teacher_shuffled": "teacher, ERA5 of another sample",
    "persistence": "persistence",
    "optical_flow": "optical flow",
    "extrapolation": "optical flow",
}


@dataclass(frozen=True)
class Picture:
    """A picture of the page; `still` replaces it on paper where it moves."""

    name: str
    content: bytes  # PNG
    still: bytes | None = None
    text: str = ""  # its caption; by default what is known of its name

    @property
    def uri(self) -> str:
        return _uri(self.content)

    @property
    def still_uri(self) -> str:
        return _uri(self.still or self.content)

    @property
    def caption(self) -> str:
        return self.text or caption(self.name)

    @property
    def alt(self) -> str:
        return title(self.name)


@dataclass(frozen=True)
class Evidence:
    """What the stages before the report found, read into memory.

    Attributes:
        attributes: of the windows: source, synthetic, environment, attribution, ….
        windows: columns storm and split, a row a window.
        regridding, tsne, causal: what those stages counted and measured.
        training: by network, what its training measured.
        causal_matrix: a row a variable, a column a lead time in hours, K.
        similarity, scores: tables as their stages write them.
        parameters: of all stages, by section.
        pictures: by the part of the page that they belong to.
    """

    attributes: Mapping
    windows: pd.DataFrame
    regridding: Mapping
    training: Mapping[str, Mapping]
    causal_matrix: pd.DataFrame
    causal: Mapping
    similarity: pd.DataFrame
    tsne: Mapping
    scores: pd.DataFrame
    parameters: Mapping[str, Mapping]
    pictures: Mapping[str, list[Picture]] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        return bool(self.attributes["synthetic"])

    def with_pictures(self, part: str, pictures: list[Picture]) -> "Evidence":
        """The same with the pictures of one more part of the page."""
        return replace(self, pictures={**self.pictures, part: pictures})

    @property
    def climatological(self) -> bool:
        return self.attributes["environment"] == "climatology"


def page(evidence: Evidence) -> str:
    """The report as HTML that needs nothing beside itself."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nephele.pictures", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    style = resources.files("nephele.pictures").joinpath("report.css").read_text()
    return environment.get_template("report.html.j2").render(
        style=Markup(style),
        evidence=evidence,
        headlines=findings.headlines(evidence),
        data=_data(evidence),
        training=_training(evidence.training),
        scores=_scores(evidence.scores),
        causal=_causal(evidence),
        similarity=[_similarity(evidence.similarity)],
        parameters={name: flat(section) for name, section in evidence.parameters.items()},
    ) + "\n"


def flat(values: Mapping, prefix: str = "") -> dict[str, object]:
    """Nested figures or parameters by dotted names; 8.0 is shown as 8, as it was written."""
    found: dict[str, object] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}.")
        else:
            found[name] = int(value) if isinstance(value, float) and value.is_integer() else value
    return found


def _data(evidence: Evidence) -> list[Markup]:
    counted = evidence.regridding
    found = [_splits(evidence.windows), _dropped(counted)]
    if "era5_mean" in counted:
        found += [_environment(counted), _changes(counted)]
    return found


def _splits(windows: pd.DataFrame) -> Markup:
    grouped = windows.groupby("split")["storm"]
    frame = pd.DataFrame({"storms": grouped.nunique(), "windows": grouped.size()})
    order = [split for split in ("train", "validation", "test") if split in frame.index]
    return tables.html(
        frame.loc[order],
        "Storms and windows of each split. Training sees the first, choices are made on the "
        "second, everything on this page is measured on the third.",
    )


def _dropped(counted: Mapping) -> Markup:
    reasons = counted.get("dropped_by_reason", {})
    frame = pd.DataFrame({"frames": {**reasons, "used": counted["frames"]}})
    return tables.html(frame, "Frames left out, by reason, and frames used.")


def _environment(counted: Mapping) -> Markup:
    rows = {
        _with_units(name): {
            "mean": tables.shown(mean),
            "standard deviation": tables.shown(counted["era5_std"][name]),
            "valid": f"{100 * counted['era5_valid'][name]:.1f} %",
        }
        for name, mean in counted["era5_mean"].items()
    }
    text = "The environment on the training storms; the rest of each field is filled and marked so."
    return tables.html(pd.DataFrame(rows).T, text)


def _with_units(variable: str) -> str:
    units = VARIABLES[variable].units if variable in VARIABLES else "?"
    return f"{variable} ({units})"


def _changes(counted: Mapping) -> Markup:
    leads = {
        f"+{float(lead):g} h": number(value, 1) for lead, value in counted["residual_std"].items()
    }
    text = (
        "Root mean square change of brightness temperature over a lead time (K), on the training "
        f"storms; over all pixels its mean is {number(counted['frame_mean'], 1)} K and its "
        f"standard deviation {number(counted['frame_std'], 1)} K."
    )
    return tables.html(pd.DataFrame(leads, index=["change"]), text)


def _training(training: Mapping[str, Mapping]) -> Markup:
    columns = {
        name: {key: tables.shown(value) for key, value in flat(values).items()}
        for name, values in training.items()
    }
    return tables.html(pd.DataFrame(columns).fillna("–"), "What each training measured")


def _scores(scores: pd.DataFrame) -> list[Markup]:
    names = [name for name in SCORE_NAMES if name in set(scores.score)]
    names += [name for name in dict.fromkeys(scores.score) if name not in names]
    return [
        tables.html(
            tables.by_lead(scores[scores.score == name], FORECAST_NAMES),
            SCORE_NAMES.get(name, title(name)),
        )
        for name in names
    ]


def _causal(evidence: Evidence) -> list[Markup]:
    matrix = evidence.causal_matrix
    learnt = matrix.map(lambda value: tables.shown(float(value)))
    learnt.columns = [f"+{float(lead):g} h" for lead in matrix.columns]
    found = [tables.html(learnt, "What training learnt: effect of each variable by lead time")]
    return found


def _similarity(similarity: pd.DataFrame) -> Markup:
    return tables.html(similarity.map(tables.shown), "Similarity of features")


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
