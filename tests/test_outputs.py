import json

import pytest

from components.outputs import whole, write_json


def test_output_that_fails_half_way_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), whole(tmp_path / "out" / "scores.csv") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert list((tmp_path / "out").iterdir()) == []


def test_output_that_fails_half_way_leaves_the_one_before(tmp_path):
    path = tmp_path / "model"
    with whole(path) as partial:
        partial.mkdir()
        (partial / "weights").write_text("old")
    with pytest.raises(RuntimeError), whole(path) as partial:
        partial.mkdir()
        (partial / "weights").write_text("half")
        raise RuntimeError
    assert (path / "weights").read_text() == "old"


def test_json_is_read_back_as_written_and_nan_is_refused(tmp_path):
    values = {"crps": {"student": {"3": 0.25, "mean": None}}}
    write_json(tmp_path / "metrics.json", values)
    assert json.loads((tmp_path / "metrics.json").read_text()) == values
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "metrics.json", {"crps": float("nan")})
    assert json.loads((tmp_path / "metrics.json").read_text()) == values
