"""What a stage tells Kubeflow when it has ended: its artifacts, with what its page shows of them.

Kubeflow passes what it expects as one JSON text (the flag `executor_input`, which no other caller
has), and reads the answer from the file that the text names. Without an answer it knows no metrics,
and a container that was lost cannot be told from one that ended well.
"""

import json
import math
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from components.fingerprints import fingerprint
from components.model_folder import DESCRIPTION
from components.outputs import write_json
from nephele import nested

FLAG = "executor_input"
METRICS, MODEL = "system.Metrics", "system.Model"
DESCRIBED = ("kind", "sampler", "steps", "mode")
MOST = 64  # figures of one file


def write_output(executor_input: str, outputs: Mapping[str, Path]) -> None:
    """Answer Kubeflow's `executor_input`: the artifacts `outputs`, with fingerprints and figures.

    Raises:
        ValueError: the text is not what Kubeflow passes.
    """
    try:
        expected = json.loads(executor_input)["outputs"]
        artifacts = expected["artifacts"]
        answer = Path(expected["outputFile"])
        known = {name: artifacts[name]["artifacts"][0] for name in outputs}
    except (json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"--{FLAG} has no {error}; expected Kubeflow's ExecutorInput as JSON, "
            "which names the outputs and the outputFile"
        ) from None
    told = {
        name: {"artifacts": [artifact | {"metadata": _metadata(artifact, outputs[name])}]}
        for name, artifact in known.items()
    }
    write_json(answer, {"artifacts": told})


def _metadata(artifact: Mapping[str, Any], path: Path) -> dict:
    found = dict(artifact.get("metadata") or {})
    found["sha256"] = fingerprint(path)
    kind = artifact.get("type", {}).get("schemaTitle")
    if kind == METRICS:
        found |= headline(json.loads(path.read_text()))
    elif kind == MODEL and (path / DESCRIPTION).is_file():
        described = json.loads((path / DESCRIPTION).read_text())
        found |= {name: described[name] for name in DESCRIBED if name in described}
    return found


def headline(figures: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a metrics file that its page can show at a glance.

    A mean stands for all that it is the mean of, such as lead times and places in the network.
    (Kubeflow keeps metadata in a database that takes no large figures.)

    Returns:
        Dotted name → number, in the order of the file, `MOST` at most.
    """
    numbers = {
        name: value
        for name, value in nested.flat(_means(figures)).items()
        if isinstance(value, int | float) and math.isfinite(value) and not _is_point(name)
    }
    return dict(islice(numbers.items(), MOST))


def _means(figures: Any) -> Any:
    if not isinstance(figures, Mapping):
        return figures
    if "mean" in figures:
        return {"mean": figures["mean"]}
    return {name: _means(values) for name, values in figures.items()}


def _is_point(name: str) -> bool:
    """Whether a figure is one point of a curve: a lead time is part of its name."""
    return any(part.isdigit() for part in name.split("."))
