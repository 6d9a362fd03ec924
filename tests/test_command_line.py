import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
import yaml

from components import tracking
from components.command_line import InPath, OutPath, command_line
from nephele.params import ReportParams

SECTION = {"forecasts": 3}


pytestmark = pytest.mark.usefixtures("untracked")


def call(monkeypatch, main, *arguments):
    """Run `main` as the stage `report` with the arguments of a command line."""
    monkeypatch.setattr("inspect.getfile", lambda _: "components/report/stage.py")
    monkeypatch.setattr(sys, "argv", ["stage", *map(str, arguments)])
    command_line(main)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "params.yaml"
    sections = yaml.safe_load(Path("params.yaml").read_text())
    path.write_text(yaml.safe_dump(sections | {"report": SECTION}))
    return path


def test_flags_become_the_arguments_of_main(monkeypatch, tmp_path, file):
    given = {}

    def main(
        windows: InPath,
        role: Literal["distilled", "control"],
        params: ReportParams,
        parameters: str,
        report: OutPath,
        resume: Path | None = None,
    ) -> None:
        given.update(locals())

    report = tmp_path / "new" / "report.html"
    call(
        monkeypatch,
        main,
        *("--windows", file, "--role", "control", "--params", file),
        *("--parameters", "{}", "--report", report),
    )

    assert given["windows"] == file
    assert given["role"] == "control"
    assert given["params"] == ReportParams(**SECTION)
    assert given["parameters"] == "{}"
    assert given["report"] == report
    assert report.parent.is_dir()
    assert given["resume"] is None


@pytest.mark.parametrize(
    "arguments", [[], ["--role", "teacher"], ["--role", "control", "--other", "1"]]
)
def test_flag_that_is_missing_unknown_or_no_choice_is_refused(monkeypatch, arguments):
    def main(role: Literal["distilled", "control"]) -> None:
        raise AssertionError("not to be called")

    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, main, *arguments)
    assert stopped.value.code == 2


def _told(monkeypatch, file, *changes: str) -> dict:
    """What a stage and its run are given with `changes`."""
    told = {}

    class Run:
        def inputs(self, **paths):
            pass

        outputs = inputs

    @contextmanager
    def begun(stage, params):
        told["run"] = params[stage]
        yield Run()

    def main(params: ReportParams) -> None:
        told["stage"] = params

    monkeypatch.setattr(tracking, "run", begun)
    call(monkeypatch, main, "--params", file, *changes)
    return told


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), 3),
        (("--set", "forecasts=5"), 5),
        (("--set", "forecasts=5", "forecasts=6"), 6),
        (("--set", "forecasts=5", "--set", "forecasts=7"), 7),
    ],
)
def test_changed_parameters_are_those_of_the_stage_and_of_its_run(
    monkeypatch, file, changes, expected
):
    changed = ReportParams(forecasts=expected)
    assert _told(monkeypatch, file, *changes) == {"run": changed, "stage": changed}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("forecast=5", "report: --set forecast=5: no 'forecast' in report, expected forecasts"),
        (
            "forecasts.few=5",
            "report: --set forecasts.few=5: no 'few' in report, expected nothing below",
        ),
        ("forecasts", "report: --set forecasts: expected parameter=value, such as seed=1"),
        ("forecasts=[", "report: --set forecasts=[: '[' is not a value in YAML"),
        ("forecasts=0", "report: report.forecasts = 0: Input should be greater than 0"),
    ],
)
def test_change_that_cannot_be_ends_in_one_sentence(monkeypatch, file, change, sentence):
    with pytest.raises(SystemExit) as stopped:
        _told(monkeypatch, file, "--set", change)
    assert stopped.value.code == sentence


def test_stage_without_parameters_has_none_to_change(monkeypatch, file):
    def main(windows: InPath) -> None:
        raise AssertionError("not to be called")

    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, main, "--windows", file, "--set", "forecasts=5")
    assert stopped.value.code == 2


def test_input_that_is_not_there_ends_in_one_sentence(monkeypatch, tmp_path):
    def main(windows: InPath) -> None:
        raise AssertionError("not to be called")

    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, main, "--windows", tmp_path / "nowhere")
    assert stopped.value.code == (
        f"report: --windows: nothing at {tmp_path / 'nowhere'}; run the stage that makes it first"
    )


def test_what_a_stage_refuses_ends_in_one_sentence(monkeypatch, file):
    def main(windows: InPath) -> None:
        raise ValueError("sst: units are 'degC', expected 'K'")

    with pytest.raises(SystemExit) as stopped:
        call(monkeypatch, main, "--windows", file)
    assert stopped.value.code == "report: sst: units are 'degC', expected 'K'"


def test_error_of_the_program_itself_keeps_its_traceback(monkeypatch, file):
    def main(windows: InPath) -> None:
        raise KeyError("a mistake in the code")

    with pytest.raises(KeyError):
        call(monkeypatch, main, "--windows", file)


def test_stage_is_given_its_run_and_its_run_what_it_read_and_wrote(monkeypatch, tmp_path, file):
    told = {}

    class Run:
        def inputs(self, **paths):
            told["inputs"] = paths

        def outputs(self, **paths):
            told["outputs"] = paths

    @contextmanager
    def begun(stage, params):
        told.update(stage=stage, params=params)
        yield Run()

    def main(
        windows: InPath,
        role: Literal["distilled", "control"],
        params: ReportParams,
        report: OutPath,
        log: tracking.Log,
    ) -> None:
        assert isinstance(log, Run)

    monkeypatch.setattr(tracking, "run", begun)
    report = tmp_path / "report.html"
    flags = ("--windows", file, "--role", "control", "--params", file, "--report", report)
    call(monkeypatch, main, *flags)

    assert told == {
        "stage": "report",
        "params": {"report": ReportParams(**SECTION), "role": "control"},
        "inputs": {"windows": file},
        "outputs": {"report": report},
    }
