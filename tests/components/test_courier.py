import logging
import time

import mlflow_server
import pytest
import tracked

from components import courier, sync, tracking
from components.journal import Journal, folder, journals


@pytest.fixture
def place(tmp_path, monkeypatch):
    return tracked.enter(tmp_path, monkeypatch)


def train(steps=5000):
    """A training of no work at all; the seconds that its tracking took, but for its end."""
    with tracking.run("train", {"seed": 3}) as log:
        started = time.monotonic()
        for step in range(steps):
            log.metrics(step, loss=0.5)
        return time.monotonic() - started


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_good_store_has_everything_when_the_stage_ends_and_no_journal_is_left(place, caplog):
    train(700)
    (run,) = tracked.runs(tracking.tracking_uri())
    assert run.info.status == "FINISHED"
    assert tracked.steps(tracking.tracking_uri(), run.info.run_id, "loss") == list(range(700))
    assert list(folder().iterdir()) == []
    assert warnings(caplog) == []


def test_dead_server_costs_one_warning_and_no_time_and_loses_nothing(place, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{mlflow_server.free_port()}")
    assert train() < 1.0
    (warning,) = warnings(caplog)
    (left,) = journals(folder())
    assert "the stage goes on without it" in warning
    assert str(left) in warning
    assert courier.COMMAND in warning

    store = f"sqlite:///{place}/store.db"
    assert sync.sync(folder(), store) == 0
    (run,) = tracked.runs(store)
    assert run.info.status == "FINISHED"
    assert tracked.steps(store, run.info.run_id, "loss") == list(range(5000))


def test_silent_server_holds_a_stage_up_no_longer_than_its_patience(place, monkeypatch, caplog):
    monkeypatch.setattr(courier, "STANDSTILL", 0.5)
    with mlflow_server.silent_server() as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        started = time.monotonic()
        assert train() < 1.0
        assert time.monotonic() - started < 3
    (warning,) = warnings(caplog)
    assert "no answer" in warning


def test_slow_store_that_makes_progress_is_waited_for_only_so_long(place, monkeypatch, caplog):
    train(1)  # which makes the tables
    monkeypatch.setattr(courier, "STANDSTILL", 2.0)
    monkeypatch.setattr(courier, "PATIENCE", 3.0)
    monkeypatch.setattr("components.mlflow_run.Run.tags", lambda *_: time.sleep(0.4))
    with tracking.run("train", {"seed": 3}) as log:
        for step in range(100):
            log.tags(step=str(step))
        started = time.monotonic()
    assert 2.9 < time.monotonic() - started < 4.0
    assert len(warnings(caplog)) == 1


def test_server_that_comes_back_is_found_again(place, monkeypatch, caplog):
    """One failure of the store in mid-training: nothing is left when the stage ends."""
    monkeypatch.setattr(courier, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(courier, "INTERVAL", 0.1)
    connect, failures = courier.Delivery._reach, [0]

    def failing(delivery):
        failures[0] += 1
        if failures[0] == 1:
            raise courier.Unreachable("gone")
        return connect(delivery)

    monkeypatch.setattr(courier.Delivery, "_reach", failing)
    with tracking.run("train", {"seed": 3}) as log:
        log.metrics(1, loss=0.5)
        time.sleep(0.5)
        log.metrics(2, loss=0.5)
    (run,) = tracked.runs(tracking.tracking_uri())
    assert tracked.steps(tracking.tracking_uri(), run.info.run_id, "loss") == [1, 2]
    assert warnings(caplog) == []


def test_journal_that_cannot_be_written_ends_the_tracking_and_not_the_stage(
    place, monkeypatch, caplog
):
    def full(*_, **__):
        raise OSError("no space left on device")

    with tracking.run("train", {"seed": 3}) as log:
        monkeypatch.setattr("components.journal.Journal.write", full)
        log.metrics(1, loss=0.5)
        log.metrics(2, loss=0.5)
    assert len([text for text in warnings(caplog) if "no space" in text]) == 1


def test_disk_that_is_full_for_the_note_of_a_delivery_keeps_the_journal_and_not_the_stage(
    place, monkeypatch, caplog
):
    train(1)  # which makes the tables

    whole = Journal.state

    def full(journal, state):
        if state.position:
            raise OSError(28, "No space left on device")
        whole.fset(journal, state)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "state", property(whole.fget, full))
        started = time.monotonic()
        train(10)
        assert time.monotonic() - started < 10
    (warning,) = warnings(caplog)
    assert "No space left on device" in warning
    assert sync.sync(folder()) == 0
    _, run = tracked.runs(tracking.tracking_uri())
    assert run.info.status == "FINISHED"
    assert tracked.steps(tracking.tracking_uri(), run.info.run_id, "loss") == list(range(10))


def test_delivery_that_breaks_is_told_and_not_waited_for(place, monkeypatch, caplog):
    def broken(_):
        raise RuntimeError("broken")

    monkeypatch.setattr(courier.Delivery, "advance", broken)
    started = time.monotonic()
    train(10)
    assert time.monotonic() - started < 5
    (warning,) = warnings(caplog)
    assert "broken" in warning
    assert len(journals(folder())) == 1
