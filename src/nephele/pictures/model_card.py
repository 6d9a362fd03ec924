"""The model card of a run's student: what it is for, how good it is, and what it cannot do.

In the form of Mitchell et al. 2019 (doi:10.1145/3287560.3287596), its head as model hubs read it.
"""

from collections.abc import Iterator, Mapping

import yaml

from nephele.pictures import findings
from nephele.pictures.calibration_words import MEAN, ratio
from nephele.pictures.evidence import Evidence
from nephele.pictures.headlines import Estimate, listed, number
from nephele.pictures.labels import data_note
from nephele.pictures.summaries import scores_in_markdown

STUDENT = "student"
OTHERS = {
    "persistence": "persistence",
    "optical_flow": "optical flow",
    "control": "the control without a teacher",
    "teacher": "the teacher with its ERA5",
}
SCORES = {"crps": "CRPS", "rmse": "RMSE"}
MEASURED = {
    "crps": "fair CRPS, K",
    "rmse": "RMSE of the ensemble mean, K",
    "spread_skill": "spread over error",
}
LICENCE = "mit"  # of the code, as in LICENSE
LOADING = """\
```sh
nephele forecast data/S0008/frames.nc --model models:/nephele-student@champion --out forecast.nc
```

```python
from pathlib import Path
from nephele.forecasting import trained
model = trained.load(Path("outputs/distill_student/distilled/model"))
```

`mlflow.pyfunc.load_model("models:/nephele-student@champion")` takes `history`,
(batch, history, y, x) in K, and gives ensembles, (batch, member, lead, y, x) in K."""


def card(evidence: Evidence) -> str:
    """The whole card, in Markdown with a head in YAML."""
    head = yaml.safe_dump(_head(evidence), sort_keys=False, allow_unicode=True)
    sections = {
        "Purpose": _purpose(evidence),
        "Not to be used for": _items(_not_for(evidence)),
        "Data": _data(evidence),
        "Training": _training(evidence),
        "What was found": _items(findings.headlines(evidence)),
        "Scores": _scores(evidence),
        "Limits": _items(limits(evidence)),
        "How to load it": LOADING,
        "Licence": "MIT, code and weights. The data keep the terms of their sources, named above.",
    }
    told = "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in sections.items())
    return f"---\n{head}---\n\n# {_title(evidence)}\n\n{told}\n"


def summary(evidence: Evidence) -> str:
    """What stands where there is no room for the card: its scores and its limits."""
    return f"{_scores(evidence)}\n**Limits**\n\n{_items(limits(evidence))}"


def limits(evidence: Evidence) -> list[str]:
    """What the figures of the run, and its data, do not allow."""
    return [*_of_the_data(evidence), *_of_the_scores(evidence), *_of_the_ensemble(evidence)]


def _title(evidence: Evidence) -> str:
    note = data_note(evidence.attributes)
    return f"Nephele student ({note})" if note else "Nephele student"


def _head(evidence: Evidence) -> dict:
    attributes, counts = evidence.attributes, evidence.counts
    measured = {name: findings.estimate(evidence.scores, name, STUDENT) for name in MEASURED}
    metrics = [
        {
            "type": name,
            "value": float(f"{each.value:.6g}"),
            "name": f"{MEASURED[name]}: {each.text()}",
        }
        for name, each in measured.items()
    ]
    source = str(attributes["source"])
    data = {
        "name": f"{counts['windows']} windows of {counts['storms']} test storms",
        "type": source,
    }
    result = {
        "task": {"type": "forecasting", "name": "forecast of infrared brightness temperature"},
        "dataset": data,
        "metrics": metrics,
    }
    return {
        "license": LICENCE,
        "library_name": "nephele",
        "tags": ["weather", "tropical-cyclones", "diffusion", "distillation", "ensemble-forecast"]
        + (["synthetic"] if evidence.synthetic else []),
        "model-index": [{"name": "nephele-student", "results": [result]}],
    }


def _items(sentences: list[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _purpose(evidence: Evidence) -> str:
    attributes = evidence.attributes
    frames, hours = attributes["history"], attributes["spacing_hours"]
    until = hours * int(attributes["rollout"])
    return (
        f"Forecasts a typhoon's cloud field, as infrared brightness temperature, up to {until} h "
        f"ahead, as an ensemble: from {frames} storm-centred satellite frames, {hours} h apart, of "
        f"{attributes['cell_km']:g} km cells, and nothing else. It learnt from a teacher that sees "
        "ERA5 too. It is made for research: on what information that exists only in training is "
        "worth, and on how to verify such a claim."
    )


def _not_for(evidence: Evidence) -> list[str]:
    world = (
        ["Real storms: it has seen none. All its data are SYNTHETIC."] if evidence.synthetic else []
    )
    return [
        *world,
        "Warnings, or any decision on life or property. Ask the meteorological service in charge.",
        "Track, intensity, wind or rain: it forecasts clouds about a centre that must be known.",
        "Other sensors, grids, spacings or regions than those it was trained on.",
        "What ERA5's variables do in the atmosphere: it shows what a network does with them.",
    ]


def _data(evidence: Evidence) -> str:
    attributes, windows = evidence.attributes, evidence.windows
    storms = windows.groupby("split").storm.nunique()
    counted = windows.groupby("split").size()
    splits = [
        f"| {name} | {storms[name]} | {counted[name]} |"
        for name in ("train", "validation", "test")
        if name in storms.index
    ]
    kind = "SYNTHETIC, a simulated world" if evidence.synthetic else "an archive of real frames"
    environment = (
        "a climatology, in ERA5's place" if evidence.climatological else "analyses at their times"
    )
    lines = [
        f"Source: {str(attributes['source']).replace('_', ' ')} ({kind}). Environment of the "
        f"teacher: {environment}. Split by {attributes['split_by']}.",
        "",
        f"Attribution: {attributes['attribution']}.",
        "",
        "| split | storms | windows |",
        "|---|---|---|",
        *splits,
    ]
    return "\n".join(lines)


def _training(evidence: Evidence) -> str:
    measured, params = evidence.training[STUDENT], evidence.parameters["distill_student"]
    teacher = evidence.parameters["pretrain_teacher"]
    weights = ", ".join(f"{name} {value:g}" for name, value in params["weights"].items())
    return (
        f"{measured['parameters']:,} parameters; {params['steps']:,} steps of "
        f"{params['batch_size']} windows, seed {params['seed']} (its teacher: "
        f"{teacher['steps']:,} steps, seed {teacher['seed']}). Weights of the losses: {weights}. "
        f"{measured['sampling_steps']} steps of the sampler {params['sampling']['sampler']}, "
        "chosen on the validation storms."
    )


def _scores(evidence: Evidence) -> str:
    return scores_in_markdown(evidence.scores, data_note(evidence.attributes))


def _of_the_data(evidence: Evidence) -> Iterator[str]:
    if evidence.synthetic:
        yield "SYNTHETIC: every figure here is of a simulated world, and none of real typhoons."
    if evidence.climatological:
        yield "Its teacher saw a climatology in ERA5's place, and cannot teach what ERA5 tells."
    if evidence.attributes["split_by"] == "time":
        yield "Split by time: the figures say how a record goes on, and nothing of a new storm."
    yield (
        "One training: with another seed the figures would differ, by how much is not in the "
        "intervals. “make evidence” repeats it."
    )


def _of_the_scores(evidence: Evidence) -> Iterator[str]:
    """Where it is worse than another forecast, and where it is not shown to be better."""
    if not evidence.differences.low.notna().any():
        yield (
            f"{evidence.counts['storms']} test storms are too few for intervals: no evidence how "
            "it does on others."
        )
        return
    leads = list(dict.fromkeys(evidence.differences.lead_hours))
    for score, called in SCORES.items():
        for key, name in OTHERS.items():
            gains = {
                lead: findings.difference(evidence.differences, STUDENT, key, score, lead)
                for lead in leads
            }
            yield from _beside(name, called, gains)


def _beside(other: str, score: str, gains: Mapping[str, Estimate]) -> Iterator[str]:
    worse = {lead: -gain for lead, gain in gains.items() if gain.sign < 0}
    if worse:
        most = max(worse, key=lambda lead: worse[lead].value)
        by = f"most {_when([most])}, by {worse[most].text(units='K')}"
        yield f"Worse than {other} in {score} {_when(list(worse))}; {by}."
    open_ = [lead for lead, gain in gains.items() if gain.has_interval and gain.sign == 0]
    # Nobody expects that it beats its teacher.
    if open_ and other != OTHERS["teacher"]:
        yield f"No evidence that it is better than {other} in {score} {_when(open_)}."


def _when(leads: list[str]) -> str:
    hours = [f"+{lead}" for lead in leads if lead != MEAN]
    at = [f"at {listed(hours)} h"] if hours else []
    return listed([*at, *(["in the mean over lead times"] if MEAN in leads else [])])


def _of_the_ensemble(evidence: Evidence) -> Iterator[str]:
    found = evidence.calibration.get(STUDENT, {}).get(MEAN)
    if found is not None and not (found["within"] and found["sure"]):
        yield (
            f"Spread over error {ratio(found).text()}, {found['statement']}: probabilities counted "
            "from its members are not to be taken at face value."
        )
    power = findings.estimate(evidence.scores, "spectrum_ratio.below_100_km", STUDENT)
    if power.has_interval and not power.low <= 1 <= power.high:
        word = "noisy" if power.value > 1 else "too smooth"
        yield (
            f"Its members are {word} below 100 km, with {number(power.value)} times the power of "
            "the truth: a single one is not to be read in detail."
        )
