"""What the registry says of this execution's student: its scores, and on which data."""

from nephele.pictures.evidence import Evidence
from nephele.pictures.findings import estimate
from nephele.pictures.labels import data_note
from nephele.pictures.model_card import summary


def tags(evidence: Evidence) -> dict[str, str]:
    """CRPS with its interval, K, the test storms behind it, and the data."""
    crps = estimate(evidence.scores, "crps", "student")
    about = evidence.scores.iloc[0]
    source = "" if evidence.synthetic else str(evidence.attributes["source"])
    found = {
        "crps_mean": f"{crps.value:.6g}",
        "test_storms": str(about.storms),
        "test_windows": str(about.windows),
        "data": ", ".join(filter(None, (source, data_note(evidence.attributes)))),
    }
    if crps.has_interval:
        found |= {"crps_low": f"{crps.low:.6g}", "crps_high": f"{crps.high:.6g}"}
    return found


def description(evidence: Evidence) -> str:
    """The scores beside those of the other forecasts, and the limits, in Markdown.

    Databases behind MLflow take 5,000 characters, so the whole model card is not here.
    """
    training = evidence.training["student"]
    made = f"{training['parameters']:,} parameters, {training['sampling_steps']} sampling steps."
    where = "The whole model card is `model_card.md` among the artifacts of the run `execution`."
    return f"{made}\n\n{summary(evidence)}\n\n{where}"
