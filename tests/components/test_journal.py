import errno
import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

import pytest

from components.journal import (
    FILES,
    LOCK,
    RECORDS,
    STATE,
    Journal,
    State,
    first,
    folder,
    foreign,
    journals,
)


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


def test_write_that_takes_a_part_at_a_time_is_whole_and_one_that_fails_leaves_nothing(
    journal, monkeypatch
):
    write = os.write
    journal.write("begin", name="train")
    with monkeypatch.context() as patch:
        patch.setattr("components.journal.os.write", lambda file, text: write(file, text[:7]))
        journal.write("tags", tags={"colour": "blue"})

        def full(file, text):
            if len(text) < 20:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(file, text[:7])

        patch.setattr("components.journal.os.write", full)
        with pytest.raises(OSError, match="No space"):
            journal.write("tags", tags={"colour": "red"})
    journal.write("end", status="FINISHED")
    assert [kind for kind, _ in told(journal)] == ["begin", "tags", "end"]
    assert told(journal)[1] == ("tags", {"tags": {"colour": "blue"}})


@pytest.mark.parametrize("damaged", [b"\0" * 60, b'{"kind":"ta{"kind":"tags"}', b"[]", b"\xff"])
def test_damaged_line_is_left_out_with_one_warning_and_the_first_is_missed(
    journal, damaged, caplog
):
    journal.write("begin", name="train")
    whole = (journal.place / RECORDS).read_bytes()
    (journal.place / RECORDS).write_bytes(whole + damaged + b"\n" + whole)
    assert told(journal) == told(journal) == [("begin", {"name": "train"})] * 2
    assert len(caplog.records) == 1
    (journal.place / RECORDS).write_bytes(damaged + b"\n")
    with pytest.raises(ValueError, match=r"first line .* is damaged"):
        first(journal)


@pytest.mark.parametrize("damaged", [b"", b"\0" * 40, b'{"run":"abc","posi', b"[]", b'{"x":1}'])
def test_state_that_is_damaged_is_that_of_no_delivery(journal, damaged):
    (journal.place / STATE).write_bytes(damaged)
    assert journal.state == State()


def test_removal_leaves_nothing_where_open_files_stay_in_their_folder(tmp_path, monkeypatch):
    """As NFS has it: what is removed while it is open is renamed, and gone when it is closed."""
    journal = Journal.new(tmp_path, "train")
    journal.write("begin", name="train")
    renamed = []
    unlink, close = Path.unlink, os.close

    def silly(path, missing_ok=False):
        opened = (Path("/proc/self/fd", file) for file in os.listdir("/proc/self/fd"))
        if path.exists() and any(file.exists() and file.samefile(path) for file in opened):
            renamed.append(path.rename(path.with_name(f".nfs{len(renamed)}")))
        else:
            unlink(path, missing_ok)

    def closing(file):
        close(file)
        while renamed:
            unlink(renamed.pop())

    monkeypatch.setattr(Path, "unlink", silly)
    monkeypatch.setattr("components.journal.os.close", closing)
    journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_removal_that_fails_is_no_error(journal, monkeypatch):
    def denied(*_, **__):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(Path, "unlink", denied)
    monkeypatch.setattr(Path, "rmdir", denied)
    journal.remove()
    assert Journal.opened(journal.place) is not None


def test_journal_is_for_its_owner_alone(journal):
    journal.write("begin", name="train")
    modes = {path.name: path.stat().st_mode & 0o777 for path in journal.place.iterdir()}
    assert journal.place.stat().st_mode & 0o777 == 0o700
    assert modes[RECORDS] == modes[LOCK] == 0o600


def test_journals_of_another_user_are_told_apart_and_not_touched(journal, tmp_path, monkeypatch):
    assert journals(tmp_path) == [journal.place]
    monkeypatch.setattr(os, "geteuid", lambda: journal.place.stat().st_uid + 1)
    assert journals(tmp_path) == []
    assert foreign(tmp_path) == [journal.place]


def test_where_nothing_can_be_written_each_user_has_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.delenv("NEPHELE_SPOOL", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert folder() == tmp_path / f"mlspool-{os.geteuid()}"
    Journal.new(folder(), "train")
    assert folder().stat().st_mode & 0o777 == 0o700
