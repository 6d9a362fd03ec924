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
