"""Compare the student's features with the teacher's, and ask them what they know of ERA5."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from nephele.evaluation import probe as probing
from nephele.evaluation.bootstrap import FEWEST_STORMS
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

PAIRINGS = 10  # of each sample with strangers: one would be a matter of luck

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """Similarities, what the probe reads, and by kind and resolution a map of the features."""

    table: pd.DataFrame
    probe: pd.DataFrame
    maps: dict[tuple[str, int], Map]


def run(
    windows: Windows,
    teacher: TrainedModel,
    student: TrainedModel,
    control: TrainedModel,
    params: TsneParams,
) -> Result:
    """Similarities, probe and maps of encoder and attention features on test windows."""
    chosen = held_out(windows, params.windows)
    storms = windows.storm[chosen]
    partners = np.stack([strangers(storms, params.seed + number) for number in range(PAIRINGS)])
    _check(storms, partners, params.neighbours)
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
    table = similarity(
        **found,
        storms=storms,
        partners=partners,
        variables=windows.variables,
        neighbours=params.neighbours,
    )
    maps = {
        key: shared_map(
            features, found["student"][key], params.perplexity, params.neighbours, params.seed
        )
        for key, features in sorted(found["teacher"].items())
    }
    return Result(table, _probe(windows, chosen, models, params), maps)


def _check(storms: np.ndarray, partners: np.ndarray, neighbours: int) -> None:
    """Samples must have their neighbours even where one storm is left out, its partners too."""
    names = np.unique(storms)
    left = [((storms != name) & (storms[partners] != name)).sum(axis=1).min() for name in names]
    fewest = min(left) if len(names) >= FEWEST_STORMS else len(storms)
    if fewest <= neighbours + 1:
        raise ValueError(
            f"{len(storms)} test windows of {len(names)} storms do not have {neighbours} "
            "neighbours each; lower evaluate_tsne.neighbours, or raise evaluate_tsne.windows or "
            "regrid.test_share"
        )


def _probe(
    windows: Windows, chosen: np.ndarray, models: dict[str, TrainedModel], params: TsneParams
) -> pd.DataFrame:
    fitted = windows.spread("train", params.probe_windows)
    log.info("fitting the probe on %d windows, scoring it on %d", len(fitted), len(chosen))
    training, unseen = (
        {
            name: probing.network_features(model, windows, part, params.seed)
            for name, model in models.items()
        }
        | {"frames": probing.frame_means(windows, part)}
        for part in (fitted, chosen)
    )
    return probing.probe(
        training,
        unseen,
        probing.fields(windows, fitted),
        probing.fields(windows, chosen),
        windows.storm[fitted],
        windows.storm[chosen],
        windows.variables,
        params.resamples,
        params.seed,
    )


def main(
    windows: InPath,
    teacher: InPath,
    student: InPath,
    control: InPath,
    params: TsneParams,
    pictures: OutPath,
    similarity: OutPath,
    probe: OutPath,
    metrics: OutPath,
) -> None:
    """Compare the student's features with the teacher's, and ask them what they know of ERA5."""
    logging.getLogger("openTSNE").setLevel(logging.WARNING)
    data = Windows.read(windows)
    result = run(data, trained.load(teacher), trained.load(student), trained.load(control), params)

    with whole(similarity) as partial:
        result.table.to_csv(partial, index=False, float_format="%.6g")
    with whole(probe) as partial:
        result.probe.to_csv(partial, index=False, float_format="%.6g")
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
    figures = {
        **nested(result.table),
        "probe": probing.headline(result.probe),
        "trustworthiness": trust,
    }
    write_json(metrics, figures)


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
