"""Which revision of the sources an execution ran on."""

import subprocess
from pathlib import Path

import pytest
import tracked

from components import execution


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A checkout of sources, with what DVC and the stages write in it."""
    tracked.enter(tmp_path, monkeypatch)
    monkeypatch.setattr(execution, "CHECKOUT", tmp_path)
    git("init", "-q")
    for name in ("components/execution.py", "dvc.lock", "data.dvc", "outputs/verify/metrics.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    git("add", ".")
    git("commit", "-qm", "first")
    return tmp_path


def test_what_an_execution_writes_itself_is_no_change_of_its_sources(checkout):
    for name in ("dvc.lock", "data.dvc", "outputs/verify/metrics.json"):
        (checkout / name).write_text("2")
    head = git("rev-parse", "HEAD")
    assert execution.revision() == {"git_revision": head, "git_dirty": "false"}
    assert execution.described() == head


def test_changed_source_is_told_and_the_revision_stays_bare(checkout):
    (checkout / "components/execution.py").write_text("2")
    head = git("rev-parse", "HEAD")
    assert execution.revision() == {"git_revision": head, "git_dirty": "true"}
    assert execution.described() == f"{head}-dirty"


def test_revision_is_that_of_the_sources_wherever_they_run(checkout, tmp_path_factory, monkeypatch):
    head = git("rev-parse", "HEAD")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert execution.revision()["git_revision"] == head


def test_sources_that_the_checkout_around_them_does_not_track_have_no_revision(checkout):
    git("rm", "-q", "--cached", "components/execution.py")
    git("commit", "-qm", "something else")
    assert execution.revision() == {}
    assert execution.described() == ""


@pytest.mark.parametrize(("suffix", "dirty"), [("", "false"), ("-dirty", "true")])
def test_revision_that_a_container_is_given_says_the_same_in_the_same_tags(
    suffix, dirty, checkout, monkeypatch
):
    monkeypatch.setenv("NEPHELE_GIT_REVISION", f"0123abcd{suffix}")
    assert execution.revision() == {"git_revision": "0123abcd", "git_dirty": dirty}
    assert execution.described() == f"0123abcd{suffix}"
