"""A test helper: runs a compiled pipeline as Kubeflow does, its containers as processes here.

Placeholders are resolved, the ExecutorInput is built and the ExecutorOutput read by their protos,
tasks whose inputs are there run side by side, and a task whose cache key is known is not run. Paths
and URIs differ, as they do on a cluster. Images, resources and retries are not looked at.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import stages
from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

SIDE_BY_SIDE = 2
PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")
LABELS = {
    f"metadata.labels['{label}']" for label in ("pipeline/runid", "workflows.argoproj.io/workflow")
}


@dataclass
class Execution:
    """One task of a run.

    Attributes:
        name: as the compiled file has it.
        state: PENDING, RUNNING, SUCCEEDED, FAILED; SKIPPED if its outputs were cached.
        artifacts: output → artifact, with the metadata that the container told.
        told: what the container printed.
    """

    name: str
    state: str = "PENDING"
    artifacts: dict[str, pb.RuntimeArtifact] = field(default_factory=dict)
    told: str = ""


class Executor:
    """Runs pipelines in a folder, and remembers what it has run.

    Args:
        folder: where artifacts lie.
        environment: variables of every container.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.cache: dict[str, dict[str, pb.RuntimeArtifact]] = {}

    def run(
        self,
        spec: pb.PipelineSpec,
        platform: Mapping[str, dict],
        parameters: Mapping[str, object],
        run_id: str,
        changed: Callable[[Execution], None],
    ) -> None:
        """Run all tasks, in the order of their inputs; none after one that failed."""
        tasks = {name: Execution(name) for name in spec.root.dag.tasks}
        waiting, running = dict(tasks), dict[Future, Execution]()
        for task in tasks.values():
            changed(task)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            while waiting or running:
                for name, task in list(waiting.items()):
                    before = spec.root.dag.tasks[name].dependent_tasks
                    if all(tasks[other].state in ("SUCCEEDED", "SKIPPED") for other in before):
                        task.state = "RUNNING"
                        changed(waiting.pop(name))
                        job = (spec, platform, parameters, run_id, task, tasks)
                        running[pool.submit(self._execute, *job)] = task
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    task = running.pop(future)
                    task.state = future.result()
                    changed(task)
                    if task.state == "FAILED":
                        waiting.clear()

    def path(self, artifact: pb.RuntimeArtifact) -> Path:
        """Where an artifact lies."""
        return self.folder / artifact.uri.removeprefix("s3://")

    def _execute(self, spec, platform, parameters, run_id, task, tasks) -> str:
        """Run one task; its new state."""
        wanted = spec.root.dag.tasks[task.name]
        component = spec.components[wanted.component_ref.name]
        executors = json_format.MessageToDict(spec.deployment_spec)["executors"]
        container = executors[component.executor_label]["container"]
        given = self._input(wanted, component, parameters, tasks, f"{run_id}/{task.name}")
        key = cache_key(container, given)
        if wanted.caching_options.enable_cache and key in self.cache:
            task.artifacts = self.cache[key]
            return "SKIPPED"
        words = [self._resolved(word, given) for word in container["command"] + container["args"]]
        variables = {entry["name"]: entry["value"] for entry in container.get("env", ())}
        for field_path in platform.get(component.executor_label, {}).get("fieldPathAsEnv", ()):
            if field_path["fieldPath"] in LABELS:
                variables[field_path["name"]] = run_id
        if words[0] == "python":
            words[0] = sys.executable
        process = subprocess.run(
            words, cwd=self._home(), env=os.environ | variables | self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        task.told = process.stdout
        if process.returncode != 0:
            return "FAILED"
        task.artifacts = self._answer(given)
        self.cache[key] = task.artifacts
        return "SUCCEEDED"

    def _home(self) -> Path:
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return home

    def _input(self, wanted, component, parameters, tasks, place) -> pb.ExecutorInput:
        given = pb.ExecutorInput()
        for name, source in wanted.inputs.parameters.items():
            if source.HasField("component_input_parameter"):
                value = parameters[source.component_input_parameter]
                given.inputs.parameter_values[name].string_value = value
            else:
                given.inputs.parameter_values[name].CopyFrom(source.runtime_value.constant)
        known = {name: value.string_value for name, value in given.inputs.parameter_values.items()}
        for name, text in known.items():
            if not given.inputs.parameter_values[name].HasField("string_value"):
                continue
            filled = PLACEHOLDER.sub(lambda found: known[found[1]], text)
            given.inputs.parameter_values[name].string_value = filled
        for name, source in wanted.inputs.artifacts.items():
            origin = source.task_output_artifact
            artifact = tasks[origin.producer_task].artifacts[origin.output_artifact_key]
            given.inputs.artifacts[name].artifacts.append(artifact)
        for name, output in component.output_definitions.artifacts.items():
            given.outputs.artifacts[name].artifacts.add(
                name=name, uri=f"s3://bucket/{place}/{name}", type=output.artifact_type
            )
        given.outputs.output_file = str(self.folder / "bucket" / place / "executor_output.json")
        return given

    def _resolved(self, word: str, given: pb.ExecutorInput) -> str:
        if word == "{{$}}":
            return json_format.MessageToJson(given)
        for side, artifacts in (
            ("inputs", given.inputs.artifacts),
            ("outputs", given.outputs.artifacts),
        ):
            for name, found in artifacts.items():
                placeholder = f"{{{{$.{side}.artifacts['{name}'].path}}}}"
                word = word.replace(placeholder, str(self.path(found.artifacts[0])))
        values = given.inputs.parameter_values
        return PLACEHOLDER.sub(lambda found: _text(values[found[1]]), word)

    def _answer(self, given: pb.ExecutorInput) -> dict[str, pb.RuntimeArtifact]:
        """The artifacts that the container made, as it told of them."""
        told = json_format.Parse(Path(given.outputs.output_file).read_text(), pb.ExecutorOutput())
        found = {name: artifacts.artifacts[0] for name, artifacts in told.artifacts.items()}
        assert found.keys() == given.outputs.artifacts.keys()
        for name, artifact in found.items():
            assert self.path(artifact).exists(), f"{name}: nothing at {artifact.uri}"
        return found


def _text(value: struct_pb2.Value) -> str:
    """A parameter in a command: numbers as JSON has them, whole ones without a point."""
    return value.string_value if value.HasField("string_value") else f"{value.number_value:g}"


def cache_key(container: Mapping, given: pb.ExecutorInput) -> str:
    """What decides whether a task has run before: image, command, parameters, input artifacts.

    Variables of the environment are no part of it, as they are none of Kubeflow's.
    """
    parts = [
        container["image"],
        container["command"] + container["args"],
        {name: json_format.MessageToDict(v) for name, v in given.inputs.parameter_values.items()},
        {name: found.artifacts[0].uri for name, found in given.inputs.artifacts.items()},
        sorted(given.outputs.artifacts),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def surroundings() -> dict[str, str]:
    """Variables with which the sources here are found, and no tracking server."""
    return {
        "PYTHONPATH": os.pathsep.join([str(stages.ROOT / "src"), str(stages.ROOT)]),
        "OMP_NUM_THREADS": "1",
    }
