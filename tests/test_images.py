"""The names of the stages' images, and what they count."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest
import sources as imports
import stages
from clones import call

from pipeline import building, images

NAMES = """
from pipeline import images
print("\\n".join(f"{stage} {images.reference(stage)}" for stage in images.stages()))
"""


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the sources, to be changed."""
    place = tmp_path / "nephele"
    skipped = shutil.ignore_patterns("__pycache__")
    for folder in ("src", "components", "pipeline"):
        shutil.copytree(stages.ROOT / folder, place / folder, ignore=skipped)
    for file in ("pyproject.toml", "constraints.txt", "LICENSE"):
        shutil.copy(stages.ROOT / file, place)
    return place


def names(root: Path) -> dict[str, str]:
    """Stage → the name of its image, by the sources at `root`."""
    lines = call(root, "python", "-c", NAMES).splitlines()
    return dict(line.split() for line in lines)


def renamed_after(copy: Path, *changed: str) -> set[str]:
    """The stages whose images have other names when files of the copy have a further line."""
    before = names(copy)
    for file in changed:
        with (copy / file).open("a") as text:
            text.write("\n# changed\n")
    after = names(copy)
    return {stage for stage in before if before[stage] != after[stage]}


def test_every_stage_has_an_image():
    assert {*images.stages()} == {*stages.STAGES}


def test_names_come_from_content_and_not_from_where_or_when_it_lies(copy):
    assert names(copy) == {stage: images.reference(stage) for stage in stages.STAGES}


def test_style_of_the_report_renames_the_image_of_the_report_alone(copy):
    assert renamed_after(copy, "src/nephele/pictures/report.css") == {"report"}


def test_libraries_rename_all_images(copy):
    assert renamed_after(copy, "constraints.txt") == {*stages.STAGES}


def test_dockerfile_renames_its_own_image_and_that_of_the_base_renames_all(copy):
    assert renamed_after(copy, "components/verify/Dockerfile") == {"verify"}
    assert renamed_after(copy, "components/base.Dockerfile") == {*stages.STAGES}


def test_what_kubeflow_alone_reads_and_what_python_leaves_behind_rename_nothing(copy):
    (copy / "components/__pycache__").mkdir()
    (copy / "components/__pycache__/tracking.cpython-311.pyc").touch()
    assert renamed_after(copy, *(f"components/{s}/component.py" for s in stages.STAGES)) == set()


@pytest.mark.parametrize("stage", stages.STAGES)
def test_image_has_all_that_its_stage_imports(stage):
    imported = imports.closure(stages.ROOT / "components" / stage / "stage.py")
    assert {file.relative_to(stages.ROOT).as_posix() for file in imported} <= {
        *images.context(stage)
    }


def test_registry_comes_before_the_name():
    assert images.reference("regrid", "localhost:5000") == (
        f"localhost:5000/{images.reference('regrid')}"
    )


def test_unknown_stage_is_named_beside_those_that_there_are():
    with pytest.raises(ValueError, match=r"no image for 'regird'; there are base, acquire, .*"):
        images.reference("regird")


def test_archive_has_the_dockerfile_in_front_and_no_trace_of_this_machine():
    with tarfile.open(fileobj=io.BytesIO(images.archive("regrid"))) as tar:
        entries = tar.getmembers()
    assert "Dockerfile" in {entry.name for entry in entries}
    assert {(entry.uid, entry.mtime, entry.mode) for entry in entries} == {(0, 0, 0o644)}


def test_without_docker_one_sentence_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="there is no docker; install it"):
        building.build(["regrid"])


def test_failed_build_says_which_image_and_its_last_lines(monkeypatch, tmp_path):
    docker = tmp_path / "docker"
    docker.write_text(
        "#!/bin/sh\ncase $1 in version) ;; image) exit 1 ;; *) echo 'E: no space'; exit 1 ;; esac\n"
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ValueError, match=r"the image of base failed:\n  E: no space"):
        building.build(["regrid"], base="local/python")


def test_nowhere_to_push_to_is_an_error():
    with pytest.raises(ValueError, match="give --registry"):
        building.push(["nephele/regrid:1"], "")
