import subprocess
import sys

import pytest
import sources

# Each room may import those before it.
ROOMS = (
    "nested",
    "typed",
    "cluster",
    "acquisition",
    "downloads",
    "params",
    "parameter_file",
    "fields",
    "archives",
    "world",
    "regridding",
    "windows",
    "network",
    "learning",
    "forecasting",
    "evaluation",
    "products",
    "pictures",
)
TOOLS = {"kfp", "mlflow", "dvc", "argparse", "components", "pipeline"}


def room(file):
    return file.relative_to(sources.ROOT / "src" / "nephele").parts[0].removesuffix(".py")


SCIENCE = [file for file in sources.modules("nephele") if room(file) != "__init__"]


def name(file):
    return file.relative_to(sources.ROOT).as_posix()


def test_every_room_has_its_place_in_the_order():
    assert {room(file) for file in SCIENCE} <= set(ROOMS)


@pytest.mark.parametrize("file", SCIENCE, ids=name)
def test_a_room_imports_only_rooms_before_it(file):
    place = ROOMS.index(room(file))
    for module in sources.imported(file):
        if module.startswith("nephele."):
            assert ROOMS.index(module.split(".")[1]) <= place, f"{name(file)} imports {module}"


@pytest.mark.parametrize("file", SCIENCE, ids=name)
def test_science_knows_no_tools(file):
    assert not {module.split(".")[0] for module in sources.imported(file)} & TOOLS


@pytest.mark.parametrize("file", sources.modules("components"), ids=name)
def test_components_do_not_know_the_pipeline(file):
    assert not [module for module in sources.imported(file) if module.startswith("pipeline")]


@pytest.mark.parametrize("package", ["nephele", "components", "pipeline"])
def test_mlflow_is_known_only_to_modules_that_speak_to_it(package):
    users = {
        name(file)
        for file in sources.modules(package)
        if any(module.split(".")[0] == "mlflow" for module in sources.imported(file))
    }
    assert users <= {
        "components/champion.py",
        "components/machine.py",
        "components/mlflow_run.py",
        "components/model_location.py",  # a model may be named by its place in the registry
        "components/registry.py",
        "components/serving.py",  # served by MLflow, in whose words it refuses
    }


@pytest.mark.parametrize("stage", ["acquire", "regrid", "report"])
def test_stages_without_torch_do_not_import_it(stage):
    modules = {
        module
        for file in sources.closure(sources.ROOT / "components" / stage / "stage.py")
        for module in sources.imported(file)
    }
    assert not [module for module in modules if module.split(".")[0] in ("torch", "diffusers")]


def test_tools_are_not_loaded_with_the_science():
    code = (
        "import sys, nephele.params, components.command_line, components.outputs;"
        "print(sorted({'torch', 'mlflow', 'kfp', 'dvc'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
