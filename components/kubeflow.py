"""What a stage tells Kubeflow when it has ended: its artifacts, with what its page shows of them.

Kubeflow passes what it expects as one JSON text (the flag `executor_input`, which no other caller
has), and reads the answer from the file that the text names. Without an answer it knows no metrics,
and a container that was lost cannot be told from one that ended well.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.fingerprints import fingerprint
from components.outputs import write_json
from nephele import nested

FLAG = "executor_input"
METRICS = "system.Metrics"


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
    if artifact.get("type", {}).get("schemaTitle") == METRICS:
        found |= headline(json.loads(path.read_text()))
    return found


def headline(figures: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a metrics file that are no curve: those without a lead time in their name."""
    return {
        name: value
        for name, value in nested.flat(figures).items()
        if isinstance(value, int | float) and not any(part.isdigit() for part in name.split("."))
    }
