"""What is in the stages' images, asked in containers."""

import json
import os
import subprocess

import pytest
import stages

from pipeline import building, images

TRAINING = ("pretrain_teacher", "distill_student")
EVALUATION = ("export_causal_matrix", "evaluate_tsne", "verify")
PROBE = """
import importlib.util, json, os, pathlib, sys
import components.tracking
files = [*pathlib.Path("src").rglob("*"), *pathlib.Path("components").rglob("*")]
print(json.dumps({
    "user": os.getuid(),
    "libraries": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
    "files": sorted(str(file) for file in files if file.is_file()),
}))
"""
LIBRARIES = ("torch", "dask", "mlflow", "kfp", "dvc", "sklearn", "matplotlib")


def docker(*words: str) -> str:
    run = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, (
        f"docker {' '.join(words)}\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
    )
    return run.stdout


def inside(image: str, *command: str) -> str:
    return docker("run", "--rm", "--network", "none", image, *command)


@pytest.fixture(scope="module")
def found(built) -> dict[str, dict]:
    """Stage → what the probe finds in its image, `components.tracking` imported."""
    command = ("python", "-B", "-c", PROBE, *LIBRARIES)
    return {stage: json.loads(inside(image, *command)) for stage, image in built.items()}


def test_there_is_an_image_for_every_stage(built):
    assert built.keys() == {*stages.STAGES}


@pytest.mark.parametrize("stage", stages.STAGES)
def test_containers_run_without_root(stage, found):
    assert found[stage]["user"] == 1000


@pytest.mark.parametrize("stage", stages.STAGES)
def test_image_has_the_libraries_of_its_kind_only(stage, found):
    expected = {"mlflow", "matplotlib"}
    expected |= {"torch"} if stage in TRAINING else set()
    expected |= {"torch", "sklearn"} if stage in EVALUATION else set()
    expected |= {"dask"} if stage in ("acquire", "regrid") else set()
    assert set(found[stage]["libraries"]) == expected


@pytest.mark.parametrize("stage", stages.STAGES)
def test_image_holds_the_sources_that_its_name_counts(stage, found):
    counted = {path for path in images.context(stage) if "/" in path}
    assert set(found[stage]["files"]) == counted - {images.dockerfile(stage).as_posix()}


@pytest.mark.parametrize("stage", stages.STAGES)
def test_stage_explains_itself_in_its_image(stage, built):
    help_text = inside(built[stage], "python", "-m", f"components.{stage}.stage", "--help")
    assert all(f"--{name}" in help_text for name in stages.signature(stage))


@pytest.mark.parametrize("stage", stages.STAGES)
def test_image_has_no_entrypoint(stage, built):
    assert docker("image", "inspect", "--format", "{{json .Config.Entrypoint}}", built[stage]) in (
        "null\n",
        "[]\n",
    )


def test_images_of_one_kind_share_their_libraries(built):
    def layers(stage: str) -> list[str]:
        told = docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", built[stage])
        return json.loads(told)

    own = 3  # the sources: of nephele, of all components, of the stage
    assert layers("acquire")[:-own] == layers("regrid")[:-own]
    assert layers("pretrain_teacher")[:-own] == layers("distill_student")[:-own]
    torch = layers("pretrain_teacher")[:-own]
    for stage in EVALUATION:
        assert layers(stage)[: len(torch)] == torch
    assert len({layers(stage)[0] for stage in stages.STAGES}) == 1


def test_image_that_exists_is_not_built_again(built, capfd):
    names = building.build(["regrid"], base=os.environ.get("BASE_IMAGE", ""))
    assert names == [built["regrid"]]
    assert "building" not in capfd.readouterr().out


def test_image_built_by_hand_from_the_repository_has_what_the_stage_needs(built, found):
    recipe = images.dockerfile("regrid").as_posix()
    docker(
        *("build", "--file", str(stages.ROOT / recipe), "--tag", "nephele/by-hand"),
        *("--build-arg", f"BASE_IMAGE={images.reference(images.BASE)}", str(stages.ROOT)),
    )
    files = json.loads(inside("nephele/by-hand", "python", "-B", "-c", PROBE))["files"]
    docker("image", "rm", "nephele/by-hand")

    assert {*files} >= {*found["regrid"]["files"]}
    assert not [file for file in files if "pycache" in file or "Dockerfile" in file]
