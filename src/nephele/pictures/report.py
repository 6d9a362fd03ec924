"""The report: everything that a run of the pipeline found, on one self-contained page."""

from importlib import resources

import jinja2
from markupsafe import Markup

from nephele.pictures import alignment_tables, cause_tables, findings, score_tables, sections
from nephele.pictures.evidence import Evidence


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
    return (
        environment.get_template("report.html.j2").render(
            style=Markup(style),
            evidence=evidence,
            headlines=findings.headlines(evidence),
            footing=findings.footing(evidence),
            alignment=findings.alignment(evidence),
            scores=score_tables.of(evidence),
            effects=cause_tables.of(evidence.causal),
            features=alignment_tables.of(evidence),
            data=sections.data(evidence),
            training=sections.training(evidence.training),
            parameters={
                name: sections.flat(section) for name, section in evidence.parameters.items()
            },
        )
        + "\n"
    )
