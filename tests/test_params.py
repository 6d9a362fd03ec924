import json
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from nephele import params
from nephele.params import ReportParams, VerifyParams
from pipeline import settings

ROOT = Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / "params.yaml").read_text())
KINDS = {
    "acquire": params.AcquireParams,
    "regrid": params.RegridParams,
    "pretrain_teacher": params.TeacherParams,
    "distill_student": params.StudentParams,
    "export_causal_matrix": params.CausalMatrixParams,
    "evaluate_tsne": params.TsneParams,
    "verify": params.VerifyParams,
    "report": params.ReportParams,
}
OVERLAYS = sorted((ROOT / "experiments").glob("*.yaml"), key=lambda path: path.name)


def overlaid(values: dict, overlay: dict) -> dict:
    """`values` with those of `overlay`, whose keys must all be there already."""
    assert overlay.keys() <= values.keys(), f"unknown: {overlay.keys() - values.keys()}"
    return values | {
        key: overlaid(values[key], value) if isinstance(value, dict) else value
        for key, value in overlay.items()
    }


def test_every_section_of_the_file_has_a_type_and_fits_it():
    assert FILE.keys() == KINDS.keys()
    for section, kind in KINDS.items():
        params.read(str(ROOT / "params.yaml"), section, kind)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_overlay_changes_only_what_exists_and_to_what_is_allowed(overlay):
    changed = overlaid(FILE, settings.read(overlay))
    for section, kind in KINDS.items():
        TypeAdapter(kind).validate_python(changed[section])


@pytest.mark.parametrize("section", KINDS)
def test_section_as_json_of_floats_gives_the_same_parameters(section):
    def floats(value):
        if isinstance(value, dict):
            return {key: floats(item) for key, item in value.items()}
        if isinstance(value, list):
            return [floats(item) for item in value]
        return float(value) if type(value) is int else value

    text = json.dumps(floats(FILE[section]))
    from_file = params.read(str(ROOT / "params.yaml"), section, KINDS[section])
    assert params.read(text, section, KINDS[section]) == from_file


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"membres": 8}, "membres"),
        ({"members": 1}, "members = 1"),
        ({"members": "many"}, "members = 'many'"),
    ],
)
def test_parameter_that_is_wrong_is_named(change, told, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump({"verify": FILE["verify"] | change}))
    with pytest.raises(ValueError, match="verify") as raised:
        params.read(str(file), "verify", VerifyParams)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"), [("a: [", "not valid YAML"), ("other: 1", "no section"), (None, "no param")]
)
def test_file_that_is_no_parameter_file_is_named(text, told, tmp_path):
    file = tmp_path / "params.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=told):
        params.read(str(file), "report", ReportParams)
