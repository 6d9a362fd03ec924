import pytest

from components import model_location
from nephele.forecasting.trained import DESCRIPTION, WEIGHTS


def write(folder):
    folder.mkdir(parents=True)
    for name in (DESCRIPTION, WEIGHTS):
        (folder / name).write_text("")
    return folder


def test_a_model_is_found_by_its_folder_and_by_one_that_holds_it(tmp_path):
    model = write(tmp_path / "distilled" / "model")
    assert model_location.folder(str(model)) == model
    assert model_location.folder(str(tmp_path / "distilled")) == model


def test_of_two_models_none_is_chosen(tmp_path):
    for name in ("distilled", "control"):
        write(tmp_path / name / "model")
    with pytest.raises(
        ValueError, match=r"expected one folder with model.json.*control.*distilled"
    ):
        model_location.folder(str(tmp_path))


@pytest.mark.parametrize("missing", [DESCRIPTION, WEIGHTS])
def test_half_a_model_is_none(tmp_path, missing):
    (write(tmp_path / "model") / missing).unlink()
    with pytest.raises(ValueError, match="found none"):
        model_location.folder(str(tmp_path))


def test_a_server_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ValueError, match=r"MLflow at http://127.0.0.1:9: "):
        model_location.folder("models:/nephele-student@champion")


def test_a_servers_password_is_not_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ValueError, match=r"MLflow at http://127.0.0.1:9: ") as error:
        model_location.folder("models:/nephele-student@champion")
    assert "secret" not in str(error.value)
