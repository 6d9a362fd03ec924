from importlib import metadata

import pytest
import small
import sources

from components import model_folder
from components.training import save
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel


@pytest.fixture
def folder(tmp_path):
    """A student, as a training stage writes it."""
    save(tmp_path, TrainedModel(small.network(), small.description("student")))
    return tmp_path


def test_a_folder_says_what_its_model_takes_and_gives(folder):
    served = model_folder.served(folder)
    assert served.kind == "student"
    assert served.inputs == {"history": (-1, 4, 32, 32)}
    assert served.output == (-1, -1, 8, 32, 32)
    assert model_folder.summary(folder) == (
        "Takes 4 frames 3 h apart, the last at the initial time, of 32 × 32 cells of 20 km, in K; "
        "gives an ensemble of 8 frames up to +24 h, in K."
    )


def test_a_teacher_takes_its_variables_too(tmp_path):
    save(tmp_path, TrainedModel(small.network(), small.description("teacher")))
    fields = (-1, 4, 4, 32, 32)
    inputs = {"history": (-1, 4, 32, 32), "era5": fields, "valid": fields}
    assert model_folder.served(tmp_path).inputs == inputs


def test_requirements_have_every_library_that_a_served_model_imports(folder):
    known = {line.split("==")[0].lower() for line in model_folder.read_requirements(folder)}
    distributions = metadata.packages_distributions()
    imported = {
        module.split(".")[0]
        for file in sources.closure(sources.ROOT / "components" / "serving.py")
        for module in sources.imported(file)
    }
    # MLflow asks for itself.
    needed = {
        name.lower()
        for module in imported - {"nephele", "components", "mlflow"}
        for name in distributions.get(module, ())
    }
    assert {"torch", "diffusers", "xarray"} <= needed <= known
    assert "nephele" not in known  # which no index has: its sources travel with the model


def test_the_same_environment_writes_the_same_requirements(folder, tmp_path):
    (tmp_path / "again").mkdir()
    model_folder.write_requirements(tmp_path / "again")
    first, second = (path / "requirements.txt" for path in (folder, tmp_path / "again"))
    assert first.read_bytes() == second.read_bytes()


def test_a_folder_without_requirements_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no requirements.txt, so nobody knows"):
        model_folder.read_requirements(tmp_path)


def test_a_folder_without_a_description_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not the description of a model"):
        model_folder.served(tmp_path)


def test_the_files_of_a_model_have_the_names_that_are_written():
    names = model_folder.WEIGHTS, model_folder.DESCRIPTION
    assert names == (trained.WEIGHTS, trained.DESCRIPTION)


@pytest.mark.parametrize("text", ["[]", '{"kind": "student", "shape": [4]}', "\x00"])
def test_any_other_json_is_refused_in_a_sentence(text, tmp_path):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ValueError, match="not the description of a model"):
        model_folder.described(tmp_path)


def test_an_older_description_is_refused_with_what_it_lacks(tmp_path):
    (tmp_path / "model.json").write_text('{"kind": "student"}')
    with pytest.raises(ValueError, match="no shape, lead_hours, trained_on"):
        model_folder.served(tmp_path)
