"""What several modules share, and which of them run on one worker because of it."""

from pathlib import Path

import pytest
from clones import call, tiny

from components import tracking

# Module → the worker's task. (The mark xdist_group of pytest-xdist 3.8 is lost on pytest 9.2: it
# writes its group into an attribute that names of tests are no longer made from.)
GROUPS = {
    "test_nodes.py": "origin",
    "test_repro.py": "origin",
    "test_submission.py": "origin",
    "test_sync.py": "mlflow server",
    "test_calibration.py": "storms",
}


@pytest.fixture(scope="module")
def untracked():
    """Stages that leave no run in the store of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "available", lambda: False)
        yield


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A database without runs; to make its tables takes seconds."""
    database = tmp_path_factory.mktemp("empty") / "mlflow.db"
    import mlflow  # takes its time, and few tests need it

    mlflow.MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture(scope="session")
def origin(tmp_path_factory) -> Path:
    """A repository with what lies in the working tree, tiny, in which the pipeline has run."""
    origin = tmp_path_factory.mktemp("origin") / "nephele"
    tiny(origin)
    call(origin, "dvc", "repro")
    call(origin, "git", "add", "--all")
    call(origin, "git", "commit", "--quiet", "--message", "tiny")
    return origin


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        """Tests one by one, but for those that share what is dear to make."""

        def _split_scope(self, nodeid: str) -> str:
            return GROUPS.get(Path(nodeid.split("::")[0]).name, nodeid)

    return Grouped(config, log)
