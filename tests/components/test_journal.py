import multiprocessing
import os
import signal

import pytest

from components.journal import FILES, LOCK, RECORDS, Journal, State, first, journals


@pytest.fixture
def journal(tmp_path):
    return Journal.new(tmp_path, "train")


def told(journal, position=0):
    return [(record.kind, record.values) for record in journal.records(position)]


def test_what_was_written_is_read_in_its_order_from_any_record_on(journal):
    journal.write("begin", name="train")
    journal.write("metrics", points=[["loss", 0.1 + 0.2, 1, 2], ["bad", float("nan"), 1, 2]])
    journal.write("end", status="FINISHED")
    begin, metrics, end = journal.records()
    assert begin.values == first(journal) == {"name": "train"}
    assert metrics.values["points"][0] == ["loss", 0.1 + 0.2, 1, 2]
    assert metrics.values["points"][1][1] != metrics.values["points"][1][1]
    assert told(journal, begin.end)[1:] == [("end", {"status": "FINISHED"})]
    assert told(journal, end.end) == []


def test_line_that_was_cut_off_is_no_record(journal):
    journal.write("begin", name="train")
    whole = (journal.place / RECORDS).read_bytes()
    for length in range(len(whole), 2 * len(whole)):
        (journal.place / RECORDS).write_bytes((2 * whole)[:length])
        assert told(journal) == [("begin", {"name": "train"})]


def test_files_are_copies_that_outlive_their_originals(journal, tmp_path):
    model = tmp_path / "model"
    (model / "__pycache__").mkdir(parents=True)
    (model / "weights").write_bytes(b"first")
    kept = journal.keep(model=model, png=b"PNG")
    (model / "weights").write_bytes(b"second")
    later = journal.keep(model=model)
    assert (journal.place / kept / "model" / "weights").read_bytes() == b"first"
    assert (journal.place / later / "model" / "weights").read_bytes() == b"second"
    assert (journal.place / kept / "png").read_bytes() == b"PNG"
    assert not list((journal.place / FILES).rglob("__pycache__"))


def test_journal_in_use_is_nobody_elses(journal):
    assert Journal.opened(journal.place) is None
    journal.close()
    assert Journal.opened(journal.place) is not None


def _write_and_die(spool):
    journal = Journal.new(spool, "train")
    journal.write("begin", name="train")
    os.kill(os.getpid(), signal.SIGKILL)


def test_journal_of_a_killed_process_is_whole_and_free(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    (left,) = journals(tmp_path)
    journal = Journal.opened(left)
    assert journal is not None
    assert told(journal) == [("begin", {"name": "train"})]


def test_state_is_that_of_the_last_delivery(journal):
    assert journal.state == State()
    journal.state = State("abc", 120)
    assert journal.state == State("abc", 120)
    journal.close()
    again = Journal.opened(journal.place)
    assert again is not None
    assert again.state == State("abc", 120)


def test_removed_journal_is_gone_whenever_the_removal_is_cut_short(tmp_path):
    journal = Journal.new(tmp_path, "train")
    journal.write("begin", name="train")
    (journal.place / RECORDS).unlink()
    journal.close()
    again = Journal.opened(journal.place)
    assert again is not None
    assert first(again) == {}
    again.remove()
    assert list(tmp_path.iterdir()) == []
    assert Journal.opened(journal.place) is None


def test_journals_come_in_the_order_of_their_beginning_and_half_made_ones_do_not(tmp_path):
    made = [Journal.new(tmp_path, name).place for name in ("b", "a", "c")]
    for age, place in enumerate(made):
        os.utime(place / LOCK, (age, age))
    (tmp_path / ".d").mkdir()
    (tmp_path / ".d" / LOCK).touch()
    assert journals(tmp_path) == made
