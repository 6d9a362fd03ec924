"""A stage is spelt three times: as main's signature, in dvc.yaml, as a component of Kubeflow.

And twice as sources: what it imports, and what dvc.yaml and its image say that it needs.
"""

import inspect
import json
import re
import shlex
from importlib import metadata
from typing import NamedTuple

import pytest
import sources
import stages
import yaml
from packaging.requirements import Requirement

from components.command_line import InPath, OutPath
from pipeline import cluster, graph, images

ROOT = stages.ROOT
ROLES = ("distilled", "control")
# What cannot change the outputs of a stage: docs/decisions/source_dependencies.md.
WITHOUT_EFFECT = (
    "src/nephele/acquisition.py",
    "src/nephele/cluster.py",
    "src/nephele/parameter_file.py",
    "src/nephele/params.py",
    "src/nephele/typed.py",
    "components/champion.py",
    "components/courier.py",
    "components/delivery.py",
    "components/execution.py",
    "components/fingerprints.py",
    "components/journal.py",
    "components/kubeflow.py",
    "components/machine.py",
    "components/mlflow_run.py",
    "components/model_folder.py",
    "components/nodes.py",
    "components/registry.py",
    "components/report/registration.py",
    "components/report/telling.py",
    "components/store.py",
    "components/sync.py",
    "components/tracking.py",
    "components/views.py",
)
# The pictures of a training are MLflow's alone; so are, but for the report, dotted names.
NAMES = "src/nephele/nested.py"
WITHOUT_EFFECT_ON = {
    stage: (NAMES,) for stage in stages.STAGES if stage != "report"
} | dict.fromkeys(("pretrain_teacher", "distill_student"), (NAMES, "src/nephele/pictures"))
# So is what the report compares for the registry.
WITHOUT_EFFECT_ON["report"] = (
    "src/nephele/evaluation/bootstrap.py",
    "src/nephele/evaluation/succession.py",
)


class Edge(NamedTuple):
    producer: str
    output: str
    consumer: str
    input: str


def paths(entries: list) -> list[str]:
    """Entries of deps, outs or metrics, without their options."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


class Spelling:
    """A stage as dvc.yaml has it."""

    def __init__(self, entry: dict, role: str = "") -> None:
        text = json.dumps(entry).replace("${item.role}", role)
        entry = json.loads(text)
        words = shlex.split(entry["cmd"])
        self.command, flags = words[:3], words[3:]
        self.flags = {
            flag.removeprefix("--"): value
            for flag, value in zip(flags[::2], flags[1::2], strict=True)
        }
        self.params = entry["params"]
        self.deps = paths(entry["deps"])
        self.outs = paths(entry["outs"]) + paths(entry.get("metrics", []))


def spellings() -> dict[str, Spelling]:
    """Stage, or stage@role → spelling."""
    found = {}
    for stage, entry in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        if "matrix" in entry:
            assert tuple(entry["matrix"]["role"]) == ROLES
            found |= {f"{stage}@{role}": Spelling(entry, role) for role in ROLES}
        else:
            found[stage] = Spelling(entry)
    return found


DVC = spellings()
FILE = yaml.safe_load((ROOT / "params.yaml").read_text())


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The compiled pipeline."""
    output = tmp_path_factory.mktemp("compiled") / "nephele.yaml"
    graph.write(FILE, output)
    return next(yaml.safe_load_all(output.read_text()))


def tasks(compiled: dict) -> dict[str, dict]:
    """Task of the compiled pipeline, by the name that DVC has for it."""
    found = {}
    for task in compiled["root"]["dag"]["tasks"].values():
        stage = task["componentRef"]["name"].removeprefix("comp-").replace("-", "_")
        role = task["inputs"]["parameters"].get("role")
        stage = re.sub(r"_\d+$", "", stage)
        found[f"{stage}@{role['runtimeValue']['constant']}" if role else stage] = task
    return found


def kubeflow_flags(compiled: dict, stage: str) -> dict[str, str]:
    container = compiled["deploymentSpec"]["executors"][f"exec-{stage.replace('_', '-')}"]
    words = container["container"]["args"]
    return {
        flag.removeprefix("--"): value for flag, value in zip(words[::2], words[1::2], strict=True)
    }


def test_every_stage_is_in_both_graphs(compiled):
    assert {name.split("@")[0] for name in DVC} == set(stages.STAGES)
    assert tasks(compiled).keys() == DVC.keys()


@pytest.mark.parametrize("name", DVC)
def test_dvc_passes_exactly_the_arguments_of_main(name):
    stage = name.split("@")[0]
    assert DVC[name].command == ["python", "-m", f"components.{stage}.stage"]
    assert DVC[name].flags.keys() == stages.signature(stage).keys()


@pytest.mark.parametrize("stage", stages.STAGES)
def test_kubeflow_passes_the_arguments_of_main_that_must_be_given(stage, compiled):
    signature = stages.signature(stage)
    required = {
        name for name, argument in signature.items() if argument.default is inspect.Parameter.empty
    }
    flags = kubeflow_flags(compiled, stage)
    assert flags.pop("executor_input") == "{{$}}"
    if stage in cluster.TRAININGS:
        assert flags.pop("nodes") == "{{$.inputs.parameters['nodes']}}"
    assert flags.keys() == required
    for name, value in flags.items():
        group, suffix = {
            InPath: ("inputs.artifacts", ".path"),
            OutPath: ("outputs.artifacts", ".path"),
        }.get(signature[name].annotation, ("inputs.parameters", ""))
        assert value == f"{{{{$.{group}['{name}']{suffix}}}}}"


@pytest.mark.parametrize("name", DVC)
def test_paths_that_a_stage_reads_and_writes_are_those_that_dvc_watches(name):
    stage, spelt = name.split("@")[0], DVC[name]
    signature = stages.signature(stage)
    read = {spelt.flags[flag] for flag in signature if signature[flag].annotation is InPath}
    written = {spelt.flags[flag] for flag in signature if signature[flag].annotation is OutPath}
    made = {dep for dep in spelt.deps if dep == "data" or dep.startswith("outputs/")}
    assert read == made
    assert written == set(spelt.outs)


@pytest.mark.parametrize("name", DVC)
def test_outputs_lie_in_the_folder_of_their_stage(name):
    folder = "raw" if name == "acquire" else f"outputs/{name.replace('@', '/')}/"
    assert all(out.startswith(folder) for out in DVC[name].outs)


def test_both_graphs_have_the_same_edges(compiled):
    made = {
        path: (name, flag)
        for name in DVC
        for flag, path in DVC[name].flags.items()
        if path in DVC[name].outs
    }
    made["data"] = made["raw"]  # data.dvc imports it
    by_dvc = {
        Edge(*made[path], name, flag)
        for name in DVC
        for flag, path in DVC[name].flags.items()
        if path in DVC[name].deps
    }
    keys = {
        key: name
        for name, task in tasks(compiled).items()
        for key, other in compiled["root"]["dag"]["tasks"].items()
        if other is task
    }
    by_kubeflow = set()
    for name, task in tasks(compiled).items():
        for flag, source in task["inputs"].get("artifacts", {}).items():
            origin = source["taskOutputArtifact"]
            by_kubeflow.add(
                Edge(keys[origin["producerTask"]], origin["outputArtifactKey"], name, flag)
            )
    assert by_dvc == by_kubeflow


def test_data_dvc_imports_what_acquire_writes():
    imported = yaml.safe_load((ROOT / "data.dvc").read_text())
    assert [dep["path"] for dep in imported["deps"]] == DVC["acquire"].outs
    assert [out["path"] for out in imported["outs"]] == ["data"]
    assert not imported.get("frozen")


@pytest.mark.parametrize("name", DVC)
def test_dvc_watches_the_sections_of_the_parameters_that_a_stage_reads(name):
    stage, spelt = name.split("@")[0], DVC[name]
    assert spelt.flags["params"] == "params.yaml"
    assert spelt.params == (list(stages.STAGES) if "parameters" in spelt.flags else [stage])


def test_kubeflow_has_the_parameters_of_the_file_as_defaults(compiled):
    inputs = compiled["root"]["inputDefinitions"]["parameters"]
    assert {name: json.loads(given["defaultValue"]) for name, given in inputs.items()} == {
        f"{section}_params": FILE[section] for section in stages.STAGES
    }
    for name, task in tasks(compiled).items():
        given = task["inputs"]["parameters"]["params"]["componentInputParameter"]
        assert given == f"{name.split('@')[0]}_params"


@pytest.mark.parametrize("name", DVC)
def test_dvc_watches_the_sources_that_a_stage_imports_and_no_others(name):
    stage = name.split("@")[0]
    used = {
        file.relative_to(ROOT).as_posix()
        for file in sources.closure(ROOT / "components" / stage / "stage.py")
    }
    exempt = (*WITHOUT_EFFECT, *WITHOUT_EFFECT_ON.get(stage, ()), "__init__.py")
    used = {file for file in used if not (file.startswith(exempt) or file.endswith(exempt))}
    watched = [dep for dep in DVC[name].deps if dep.startswith(("src/", "components/"))]

    def holds(dep: str, file: str) -> bool:
        return file == dep or file.startswith(f"{dep}/")

    assert {file for file in used if not any(holds(dep, file) for dep in watched)} == set()
    assert {dep for dep in watched if not any(holds(dep, file) for file in used)} == set()


def installed(image: str) -> set[str]:
    """The distributions that the image of a stage asks for itself."""
    files = "base.Dockerfile", f"{image}/Dockerfile"
    text = "".join((ROOT / "components" / file).read_text() for file in files)
    asked = re.findall(r'"\.\[([\w,]+)\]"', text)
    extras = {extra for group in asked for extra in group.split(",")}
    found = set()
    for line in metadata.requires("nephele") or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras
        ):
            found.add(requirement.name.lower())
    return found


@pytest.mark.parametrize("stage", stages.STAGES)
def test_image_of_a_stage_has_the_libraries_that_it_imports(stage):
    distributions = metadata.packages_distributions()
    names = {
        module.split(".")[0]
        for file in sources.closure(ROOT / "components" / stage / "stage.py")
        for module in sources.imported(file)
    } - {"nephele", "components"}
    # mlflow-skinny is mlflow's client, and gives it its name.
    needed = {
        "mlflow-skinny" if name == "mlflow" else distributions[name][0].lower()
        for name in names
        if name in distributions
    }
    assert needed - installed(stage) == set()


@pytest.mark.parametrize("stage", stages.STAGES)
def test_image_of_a_stage_holds_that_stage_alone_and_runs_without_root(stage, compiled):
    text = (ROOT / "components" / stage / "Dockerfile").read_text()
    executors = compiled["deploymentSpec"]["executors"]
    image = executors[f"exec-{stage.replace('_', '-')}"]["container"]["image"]
    assert image == images.reference(stage)
    assert text.rstrip().endswith("USER 1000")
    assert "ENTRYPOINT" not in text
    assert set(re.findall(r"COPY components/(\w+) ", text)) == {stage}
