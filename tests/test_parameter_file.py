import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from nephele import parameter_file
from nephele.cluster import KubeflowParams
from nephele.nested import flat
from nephele.params import KUBEFLOW, SECTIONS, TeacherParams
from pipeline import settings
from pipeline.__main__ import main

ROOT = Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / "params.yaml").read_text())
OVERLAYS = sorted((ROOT / "experiments").glob("*.yaml"), key=lambda path: path.name)


def written(folder: Path, values: object) -> str:
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    return str(folder / "params.yaml")


def nested(key: str, value: object) -> dict:
    """`value` under a dotted key."""
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def test_every_section_of_the_file_is_read_as_its_type():
    for section, kind in (SECTIONS | {KUBEFLOW: KubeflowParams}).items():
        assert type(parameter_file.read(str(ROOT / "params.yaml"), section, kind)) is kind


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_overlay_changes_only_what_exists_and_to_what_is_allowed(overlay):
    values = settings.read(overlay)
    assert flat(values).keys() <= flat(FILE).keys()
    parameter_file.check(settings.overlaid(FILE, values), overlay.name)


@pytest.mark.parametrize("section", SECTIONS)
def test_section_as_json_of_floats_gives_the_same_parameters(section):
    def floats(value):
        if isinstance(value, dict):
            return {key: floats(item) for key, item in value.items()}
        if isinstance(value, list):
            return [floats(item) for item in value]
        return float(value) if type(value) is int else value

    text = json.dumps(floats(FILE[section]))
    from_file = parameter_file.read(str(ROOT / "params.yaml"), section, SECTIONS[section])
    assert parameter_file.read(text, section, SECTIONS[section]) == from_file


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("verify.membres", 8, "verify.membres = 8: "),
        ("verify.members", 1, "verify.members = 1: "),
        ("verify.members", "many", "verify.members = 'many': "),
        ("report", None, "report = None: "),
        ("verification", {}, "section 'verification'; expected acquire, regrid, "),
        ("acquire.max_fill", 1.5, "acquire.max_fill = 1.5: Input should be less than 1"),
        ("acquire.source", "goes", "acquire.source = 'goes': Input should be 'synthetic', 'digit"),
        ("acquire.era5", 5, "acquire.era5 = 5: Input should be a valid string"),
        ("regrid.history", 1, "regrid.history = 1: Input should be greater than or equal to 2"),
        ("regrid.future", 9, "regrid.future = 9, expected at most regrid.rollout = 8"),
        ("regrid.test_share", 0.9, "test_share = 0.9 leave nothing to train on, expected"),
        (
            "regrid.placebo",
            "q",
            "regrid.placebo = 'q', expected one of acquire.variables",
        ),
        ("regrid.size", 120, "regrid.size = 120, expected a multiple of 32"),
        ("pretrain_teacher.network.patch", 1, "network.patch = 1 with 2 multipliers, expected"),
        ("pretrain_teacher.network.multipliers", [2], "network.patch = 4 with 1 multipliers, exp"),
        ("pretrain_teacher.network.self_attention_head", 10, "_head = 10 parts 96 channels into 9"),
        ("pretrain_teacher.network.self_attention_head", 9, "_head = 9 parts 48 channels into 5"),
        ("pretrain_teacher.network.temporal_heads", 3, "channels = 8, expected a multiple of temp"),
        ("pretrain_teacher.noise.smallest", 40.0, "noise.smallest = 40.0, expected less than larg"),
        (
            "pretrain_teacher.network.era5",
            "channels",
            "weights.causal = 0.02, expected 0 with netw",
        ),
        ("pretrain_teacher.hindsight", True, "hindsight = True, expected false: what sees the fut"),
        ("pretrain_teacher.sampling.sampler", "ddpm", "teacher.sampling.sampler = ddpm adds white"),
        ("distill_student.sampling.sampler", "ddpm", "student.sampling.sampler = ddpm adds white"),
        ("evaluate_tsne.neighbours", 71, "evaluate_tsne.windows = 72 do not have neighbours = 71"),
        ("verify.examples", 61, "verify.examples = 61, expected at most verify.windows = 60"),
    ],
)
def test_parameter_that_is_wrong_is_named_by_the_first_stage(key, value, told, tmp_path):
    file = written(tmp_path, settings.overlaid(FILE, nested(key, value)))
    with pytest.raises(ValueError, match=re.escape(told)) as raised:
        parameter_file.read(file, "acquire", SECTIONS["acquire"])
    sentence = str(raised.value)
    assert sentence.startswith(file)
    assert "\n" not in sentence
    assert len(sentence) < len(file) + 250


def test_network_with_channels_is_for_experiments_alone():
    channels = {"pretrain_teacher": {"network": {"era5": "channels"}, "weights": {"causal": 0.0}}}
    with pytest.raises(ValueError, match=r"network.era5 = channels, expected attention; to train"):
        parameter_file.check(settings.overlaid(FILE, channels), "file")


@pytest.mark.parametrize(
    "source", [str(ROOT / "params.yaml"), json.dumps(FILE["pretrain_teacher"])]
)
def test_changes_take_the_place_of_what_is_given(source):
    given = parameter_file.read(source, "pretrain_teacher", TeacherParams)
    changes = ["seed=5", "network.era5=channels", "weights.causal=0", "hindsight=true"]
    changes += ["sampling.steps=[1, 2]", "optimisation.learning_rate=1e-4"]
    changed = parameter_file.read(source, "pretrain_teacher", TeacherParams, changes)

    here, there = flat(given), flat(changed)
    assert {name: there[name] for name in here if here[name] != there[name]} == {
        "seed": 5,
        "network.era5": "channels",
        "weights.causal": 0.0,
        "hindsight": True,
        "sampling.steps": [1, 2],
        "optimisation.learning_rate": 1e-4,
    }


@pytest.mark.parametrize("section", SECTIONS)
def test_section_or_parameter_that_is_missing_is_named(section, tmp_path):
    without = {name: values for name, values in FILE.items() if name != section}
    with pytest.raises(ValueError, match=f"has no section '{section}'"):
        parameter_file.check(without, "file")
    first = next(iter(FILE[section]))
    less = {name: value for name, value in FILE[section].items() if name != first}
    with pytest.raises(ValueError, match=rf"^file: {section}\.{first} is missing"):
        parameter_file.check(FILE | {section: less}, "file")


def test_section_as_json_is_checked_too():
    with pytest.raises(ValueError, match=r"^verify\.members = 1: "):
        parameter_file.read(
            json.dumps(FILE["verify"] | {"members": 1}), "verify", SECTIONS["verify"]
        )


def test_ddpm_is_allowed_where_all_noise_is_white():
    ddpm = {"sampling": {"sampler": "ddpm"}}
    for change in ({"noise": {"white": 1.0}}, {"prediction": "noise"}):
        teacher = settings.overlaid(ddpm, change)
        stages = {"pretrain_teacher": teacher, "distill_student": ddpm}
        parameter_file.check(settings.overlaid(FILE, stages), "file")


@pytest.mark.parametrize(
    ("text", "told"), [("a: [", "not valid YAML"), ("- a", "expected sections"), (None, "no param")]
)
def test_file_that_is_no_parameter_file_is_named(text, told, tmp_path):
    file = tmp_path / "params.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=told):
        parameter_file.read(str(file), "report", SECTIONS["report"])


@pytest.mark.parametrize(("members", "code"), [(8, None), (1, "pipeline check: ")])
def test_check_is_silent_or_ends_in_one_sentence(members, code, tmp_path, monkeypatch, capsys):
    file = written(tmp_path, settings.overlaid(FILE, {"verify": {"members": members}}))
    monkeypatch.setattr(sys, "argv", ["pipeline", "check", "--params", file, str(OVERLAYS[0])])
    if code is None:
        main()
    else:
        with pytest.raises(SystemExit, match=re.escape(f"{code}{file} with {OVERLAYS[0]}: verify")):
            main()
    assert capsys.readouterr().out == ""
