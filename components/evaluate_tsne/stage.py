"""Compare the student's features with the teacher's: measures with controls, and pictures."""

import logging
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from nephele.evaluation.feature_tables import nested, pooled_features, similarity
from nephele.evaluation.interventions import strangers
from nephele.evaluation.sampling import held_out
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel
from nephele.params import TsneParams
from nephele.pictures.labels import data_note
from nephele.pictures.png import write_png
from nephele.pictures.tsne import Map, shared_map, tsne_picture
from nephele.windows.tensors import Windows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """The table of similarities, and by kind and resolution a map of the features."""

    table: pd.DataFrame
    maps: dict[tuple[str, int], Map]


def run(
    windows: Windows,
    teacher: TrainedModel,
    student: TrainedModel,
    control: TrainedModel,
    params: TsneParams,
) -> Result:
    """Similarities and maps of encoder and attention features on test windows."""
    chosen = held_out(windows, params.windows)
    if len(chosen) <= params.neighbours + 1:
        raise ValueError(
            f"{len(chosen)} test windows do not have {params.neighbours} neighbours each; "
            "lower evaluate_tsne.neighbours or raise regrid.test_share"
        )
    log.info("comparing features on %d windows", len(chosen))
    models = {
        "teacher": teacher,
        "student": student,
        "untrained": student.untrained(params.seed),
        "control": control,
    }
    found = {
        name: pooled_features(model, windows, chosen, params.sigma, params.seed)
        for name, model in models.items()
    }
    partners = strangers(windows.storm[chosen], params.seed)
    table = similarity(
        **found, partners=partners, variables=windows.variables, neighbours=params.neighbours
    )
    maps = {
        key: shared_map(
            features, found["student"][key], params.perplexity, params.neighbours, params.seed
        )
        for key, features in sorted(found["teacher"].items())
    }
    return Result(table, maps)


def main(
    windows: InPath,
    teacher: InPath,
    student: InPath,
    control: InPath,
    params: TsneParams,
    pictures: OutPath,
    similarity: OutPath,
    metrics: OutPath,
) -> None:
    """Compare the student's features with the teacher's: measures with controls, and pictures."""
    logging.getLogger("openTSNE").setLevel(logging.WARNING)
    data = Windows.read(windows)
    result = run(data, trained.load(teacher), trained.load(student), trained.load(control), params)

    with whole(similarity) as partial:
        result.table.to_csv(partial, index=False, float_format="%.6g")
    with whole(pictures) as partial:
        for name, figure in _pictures(result, data).items():
            write_png(figure, partial / name)
    trust = {
        f"{kind}_{resolution}": {
            "teacher": round(found.teacher_trust, 6),
            "both": round(found.student_trust, 6),
        }
        for (kind, resolution), found in result.maps.items()
    }
    write_json(metrics, {**nested(result.table), "trustworthiness": trust})


def _pictures(result: Result, windows: Windows) -> dict[str, Figure]:
    note = data_note(windows.attributes)
    return {
        f"{kind}_{resolution}.png": tsne_picture(
            found,
            windows.variables,
            f"t-SNE of {kind} features at {resolution}×{resolution}, "
            "teacher fitted, student placed on its map",
            note,
        )
        for (kind, resolution), found in result.maps.items()
    }


if __name__ == "__main__":
    command_line(main)
