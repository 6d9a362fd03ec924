"""What MLflow is told of an execution, so that executions compare at a glance."""

from components.tracking import Log
from nephele.pictures import findings
from nephele.pictures.evidence import Evidence
from nephele.pictures.labels import data_note
from nephele.pictures.summaries import scores_in_markdown


def tell(log: Log, evidence: Evidence) -> None:
    """All parameters, the headline figures with their intervals, and what they mean.

    What has a slash in its name stands apart on MLflow's pages: `details/rmse_student`, and the
    curves over lead time, `by_lead_time/crps_student`, whose steps are hours.
    """
    log.params(evidence.parameters)
    log.metrics(0, **findings.figures(evidence))
    log.metrics(0, **{f"details/{name}": x for name, x in findings.details(evidence).items()})
    for score in ("crps", "rmse"):
        for forecast, by_lead in evidence.verification.get(score, {}).items():
            for lead, value in by_lead.items():
                if lead != "mean" and value is not None:
                    log.metrics(int(lead), **{f"by_lead_time/{score}_{forecast}": value})
    log.tags(data=data_note(evidence.attributes) or str(evidence.attributes.get("source", "")))
    note = description(evidence)
    log.note(note)
    # When MLflow has them, the runs of the stages are linked from it.
    log.call("components.makers:link", {}, note=note)


def description(evidence: Evidence) -> str:
    """The headlines of the report and its table of scores, in Markdown."""
    said = "\n".join(f"- {sentence}" for sentence in findings.headlines(evidence))
    rest = findings.footing(evidence)
    return (
        f"{said}\n\n{rest}\n\n{scores_in_markdown(evidence.scores, data_note(evidence.attributes))}"
    )
