"""Runs in containers on this machine, judged without a daemon: tests/containers has one."""

import json
import re
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docker import errors

from pipeline import artifacts, graph, local

ROOT = Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / "params.yaml").read_text())


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, artifacts.Task]:
    compiled = tmp_path_factory.mktemp("compiled") / "nephele.yaml"
    graph.write(FILE, compiled)
    return artifacts.tasks(compiled)


@pytest.fixture
def root(expected, tmp_path) -> Path:
    """What a run that ended well has left."""
    for component, task in expected.items():
        folder = tmp_path / "nephele-now" / component
        folder.mkdir(parents=True)
        told = {}
        for name in task.outputs:
            (folder / name).touch()
            told[name] = {"artifacts": [{"uri": str(folder / name)}]}
        (folder / local.ANSWER).write_text(json.dumps({"artifacts": told}))
    return tmp_path


def deaths(expected, **statuses: int) -> list[tuple[str, int]]:
    """How the containers died: well, but for those of the components in `statuses`."""
    return [
        (task.image, statuses.get(component.replace("-", "_"), 0))
        for component, task in expected.items()
    ]


def test_run_that_ended_well_is_believed(expected, root):
    local.check(expected, deaths(expected), root, None)


def test_status_of_a_container_counts_although_the_runner_saw_a_success(expected, root):
    (root / "nephele-now/report" / local.ANSWER).unlink()
    with pytest.raises(ValueError, match=r"^report ended with exit status 3$"):
        local.check(expected, deaths(expected, report=3), root, None)


def test_of_two_tasks_with_one_image_the_one_without_an_answer_failed(expected, root):
    folder = next(name for name, task in expected.items() if task.name.endswith("@control"))
    (root / "nephele-now" / folder / local.ANSWER).unlink()
    died = deaths(expected, **{folder.replace("-", "_"): 1})
    with pytest.raises(ValueError, match=r"^distill_student@control ended with exit status 1$"):
        local.check(expected, died, root, RuntimeError("some other task"))


def test_task_without_an_answer_is_no_success(expected, root):
    (root / "nephele-now/verify" / local.ANSWER).unlink()
    with pytest.raises(ValueError, match=r"^verify ended without an answer to Kubeflow$"):
        local.check(expected, deaths(expected), root, None)


def test_task_without_an_answer_is_named_although_the_runner_names_the_next_one(expected, root):
    for component in expected.keys() - {"acquire"}:
        (root / "nephele-now" / component / local.ANSWER).unlink()
    died = [(expected[component].image, 0) for component in ("acquire", "regrid")]
    with pytest.raises(ValueError, match=r"^regrid ended without an answer to Kubeflow$"):
        local.check(expected, died, root, ValueError("no windows for pretrain-teacher"))


def test_output_that_is_told_of_but_not_there_is_no_success(expected, root):
    (root / "nephele-now/verify/summary").unlink()
    with pytest.raises(ValueError, match=r"^verify left no summary, though it ended well$"):
        local.check(expected, deaths(expected), root, None)


def test_container_that_nobody_saw_die_is_no_success(expected, root):
    with pytest.raises(ValueError, match="docker told of 8 containers, expected 9"):
        local.check(expected, deaths(expected)[1:], root, None)


def test_runner_that_stopped_by_itself_is_no_success(expected, root):
    with pytest.raises(ValueError, match="the local runner stopped: no space"):
        local.check(expected, deaths(expected), root, OSError("no space"))


def test_everything_that_dvc_has_is_found_by_that_name(expected, root, tmp_path):
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    names = re.findall(r"(?:outputs/\S+|\braw\b)", json.dumps([
        [entry["outs"], entry.get("metrics", [])] for entry in stages.values()
    ]))  # fmt: skip
    wanted = {
        name.strip('",:]}').replace("${item.role}", role)
        for name in names
        for role in ("distilled", "control")
    }
    places = artifacts.places(expected, root)
    assert places.keys() == wanted

    artifacts.link(places, tmp_path / "out")
    artifacts.link(places, tmp_path / "out")  # a second run takes the place of the first
    for name, place in places.items():
        assert (tmp_path / "out" / name).resolve() == place.resolve()
    control = (tmp_path / "out/outputs/distill_student/control/model").resolve()
    assert expected[control.parent.name].name == "distill_student@control"


class Daemon:
    """Has containers, of which one ends by itself at this moment."""

    def __init__(self) -> None:
        self.containers = self
        self.asked: dict = {}
        self.removed: list[str] = []

    def list(self, **asked):
        self.asked = asked
        return [SimpleNamespace(remove=partial(self.remove, name)) for name in ("ending", "here")]

    def remove(self, name: str, force: bool) -> None:
        if name == "ending":
            raise errors.NotFound("removed already")
        assert force
        self.removed.append(name)


@pytest.mark.parametrize("cut", [KeyboardInterrupt, SystemExit, None])
def test_containers_of_a_run_do_not_outlive_it(cut):
    daemon = Daemon()
    with nullcontext() if cut is None else pytest.raises(cut), local.ending(daemon, "local-1"):
        if cut is not None:
            raise cut
    assert daemon.asked["filters"] == {"label": f"{local.LABEL}=local-1"}
    assert daemon.removed == ["here"]


@pytest.mark.parametrize("word", ["NAME", "=value", ""])
def test_word_that_sets_no_variable_is_refused(word):
    with pytest.raises(ValueError, match="sets nothing; expected NAME=VALUE"):
        local.environment(["OMP_NUM_THREADS=1", word])


def test_machine_without_a_daemon_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    graph.write(FILE, tmp_path / "nephele.yaml")
    with pytest.raises(ValueError, match=r"^no docker daemon answers .*start docker's service"):
        local.run(tmp_path / "nephele.yaml", {}, tmp_path, local.Machine())
