"""The second pipeline, evidence/: what it trains, and what its tables make of known forecasts."""

import json
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sources
import stages
import xarray as xr
import yaml
from known_windows import make_windows

from evidence import regression, score, scored, settings, tables
from evidence.rows import (
    ABLATIONS,
    BOUND,
    ERA5,
    HISTORY,
    LADDER,
    LEDGER,
    LENGTH,
    LONGER,
    LONGER_TEACHER,
    PLAIN,
    UNSEEDED,
    gain_over,
)
from evidence.settings import EvidenceParams
from evidence.tables import compared
from nephele import parameter_file
from nephele.evaluation import bootstrap
from nephele.evaluation.scores import statistics
from nephele.evaluation.verification import Design
from nephele.params import SECTIONS, VerifyParams
from tests import small

ROOT = stages.ROOT
PARAMS = VerifyParams(seed=4, windows=16, members=4, resamples=200, examples=3)
PIPELINE = yaml.safe_load((ROOT / "evidence/dvc.yaml").read_text())["stages"]
MAIN = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
TRAINED = {
    name: entry for name, entry in PIPELINE.items() if name.startswith(("teacher", "st", "control"))
}
LONG = ("teacher_longer", "control_longer")
DATA = {name: PIPELINE[name] for name in ("acquire", "regrid")}
CAUSES = PIPELINE["causes"]
OWN = {n: entry for n, entry in PIPELINE.items() if n not in TRAINED | DATA | {"causes": CAUSES}}
LENGTHS = yaml.safe_load((ROOT / "evidence/params.yaml").read_text())
ALIKE = ("seed=", "steps=", "batch_size=", "optimisation.average=", "hints.steps=")  # of all
LEADS = (3, 6)
PARAMETERS = (
    "params.py",
    "parameter_file.py",
    "acquisition.py",
    "typed.py",
    "cluster.py",
    "nested.py",
)


def flags(entry: dict) -> dict[str, list[str]]:
    """The flags of a command, each with its values."""
    found: dict[str, list[str]] = {}
    text = entry["cmd"].replace("${item.seed}", "0")
    for name, value in LENGTHS.items():
        text = text.replace(f"${{{name}}}", str(value))
    for word in shlex.split(text)[3:]:
        if word.startswith("--"):
            found[word.removeprefix("--")] = values = []
        else:
            values.append(word)
    return found


def stage_of(entry: dict) -> str:
    return entry["cmd"].split()[2].split(".")[1]


WHERE = {  # what the pipeline calls otherwise
    "data": "outputs/evidence/raw",
    "outputs/regrid/windows.zarr": "outputs/evidence/windows.zarr",
    "outputs/pretrain_teacher/teacher": "T",  # whichever of the teachers
}


@pytest.mark.parametrize("name", DATA)
def test_data_are_made_as_the_pipeline_makes_them(name):
    entry, given = DATA[name], flags(DATA[name])

    assert stage_of(entry) == name
    assert given.keys() - {"set"} == stages.signature(name).keys()
    assert entry["params"] == [name]
    assert entry["deps"] == [WHERE.get(dep, dep) for dep in MAIN[name]["deps"]]


def test_causes_of_the_teachers_are_found_as_the_pipeline_finds_them():
    stage, given = "export_causal_matrix", flags(CAUSES)

    assert stage_of(CAUSES) == stage
    assert given.keys() == stages.signature(stage).keys()
    assert CAUSES["params"] == [stage]
    teacher = "outputs/evidence/${item.seed}/teacher/model"
    deps = ["T" if dep == teacher else dep for dep in CAUSES["deps"]]
    assert deps == [WHERE.get(dep, dep) for dep in MAIN[stage]["deps"]]
    made = {
        name for out in CAUSES["outs"] for name in ([out] if isinstance(out, str) else list(out))
    }
    seed_given = {name.replace("${item.seed}", "0") for name in made}
    read_by_stage = {"params", "windows", "teacher"}
    assert seed_given == {value[0] for flag, value in given.items() if flag not in read_by_stage}
    assert CAUSES["matrix"] == {"seed": "${seeds}"}
    assert "evidence/scores/${item.seed}/causes.json" in made


def test_the_evidence_has_storms_to_learn_from_to_choose_on_and_to_test():
    for name, entry in DATA.items():
        parameter_file.read("params.yaml", name, SECTIONS[name], flags(entry)["set"])
    held_out = LENGTHS["storms"] * LENGTHS["test_share"]
    assert LENGTHS["verify"]["windows"] == pytest.approx(2 * held_out)  # two a storm


@pytest.mark.parametrize("name", TRAINED)
def test_networks_are_trained_as_the_pipeline_trains_them(name):
    entry, stage = TRAINED[name], stage_of(TRAINED[name])
    given = flags(entry)

    assert given.keys() - {"set"} == stages.signature(stage).keys()
    assert entry["params"] == [stage]
    taught = "outputs/evidence/${item.seed}/teacher"
    deps = [re.sub(rf"^{re.escape(taught)}\w*/model$", "T", dep) for dep in entry["deps"]]
    assert deps == [WHERE.get(dep, dep) for dep in MAIN[stage]["deps"]]
    folder = f"outputs/evidence/${{item.seed}}/{name}"
    assert entry["outs"] == [f"{folder}/model", f"{folder}/metrics.json"]


@pytest.mark.parametrize("name", TRAINED)
def test_what_a_variant_has_differently_is_one_thing_beside_seed_and_length(name):
    stage, changes = stage_of(TRAINED[name]), flags(TRAINED[name])["set"]
    known = parameter_file.read("params.yaml", stage, SECTIONS[stage])
    changed = parameter_file.read("params.yaml", stage, SECTIONS[stage], changes)

    unchanged = ("teacher", "student", "control", "control_channels", *LONG)
    expected = 0 if name in unchanged else 1
    assert len([c for c in changes if not c.startswith(ALIKE)]) >= expected
    assert changed.steps == LENGTHS["twice" if name in LONG else "steps"]
    assert changed.batch_size == LENGTHS["batch_size"]
    assert changed.optimisation.average == LENGTHS["average"]
    alike = {
        "seed": known.seed,
        "steps": known.steps,
        "batch_size": known.batch_size,
        "optimisation": known.optimisation,
    }
    if stage == "distill_student":
        alike["hints"] = known.hints
    assert (replace(changed, **alike) == known) == (expected == 0)


def test_a_student_never_has_its_teachers_seed():
    for name, entry in TRAINED.items():
        first = "10" if stage_of(entry) == "distill_student" else ""
        assert f"--set seed={first}${{item.seed}} " in entry["cmd"], name


@pytest.mark.parametrize("name", OWN)
def test_dvc_watches_the_sources_of_the_evidence_and_no_others(name):
    module = OWN[name]["cmd"].split()[2]
    used = {
        file.relative_to(ROOT).as_posix()
        for file in sources.closure(ROOT / f"{module.replace('.', '/')}.py")
        if file.name not in ("__init__.py", *PARAMETERS)
    }
    watched = [
        dep
        for dep in OWN[name]["deps"]
        if dep.startswith(("src/", "components/", "evidence/")) and dep != "evidence/scores"
    ]

    assert {f for f in used if not any(f == d or f.startswith(f"{d}/") for d in watched)} == set()
    assert {d for d in watched if not any(f == d or f.startswith(f"{d}/") for f in used)} == set()


def test_every_row_of_the_tables_is_scored_and_every_network_is_in_a_table():
    rows = {row.forecast for table in (LADDER, LEDGER, LENGTH, ABLATIONS) for row in table.rows}
    scored = {
        seeds: PIPELINE[stage]["matrix"]["forecast"]
        for stage, seeds in {
            "score": "seeds",
            "score_ladder": "ladder_seeds",
            "score_ablation": "ablation_seeds",
        }.items()
    }

    assert {name for names in scored.values() for name in names} == set(TRAINED)
    assert {*TRAINED, "teacher_shuffled", *UNSEEDED} == rows
    assert set(scored["ablation_seeds"]) == {row.forecast for row in ABLATIONS.rows if row.over}
    for seeds, names in scored.items():
        for name in names:
            assert TRAINED[name]["matrix"]["seed"] == f"${{{seeds}}}"


def test_scores_lie_where_the_tables_are_made_from():
    for stage, path in {
        "score": "${item.seed}/${item.forecast}.csv.gz",
        "score_ladder": "${item.seed}/${item.forecast}.csv.gz",
        "score_ablation": "${item.seed}/${item.forecast}.csv.gz",
        "score_shuffled": "${item.seed}/teacher_shuffled.csv.gz",
        "score_regression": "regression.csv.gz",
    }.items():
        assert PIPELINE[stage]["outs"] == [{f"evidence/scores/{path}": {"cache": False}}]
        assert f"--scores evidence/scores/{path}" in PIPELINE[stage]["cmd"]
    assert "--scores evidence/scores " in PIPELINE["tables"]["cmd"]


def test_only_a_teacher_suffers_from_the_era5_of_other_storms():
    windows, params = make_windows(), replace(PARAMS, windows=8, members=2)
    for kind, same in (("teacher", False), ("student", True)):
        plain, shuffled = (
            score.run(windows, small.model(kind), "one", shuffled, params)
            for shuffled in (False, True)
        )
        assert plain.equals(shuffled) == same
        assert len(plain) == 8 * 8 * 3  # windows, lead times, statistics


def test_networks_are_scored_on_the_same_truth_with_the_same_noise():
    windows, params = make_windows(), replace(PARAMS, windows=8, members=2)
    found = [score.run(windows, small.model("student"), n, False, params) for n in ("one", "two")]

    assert found[0].drop(columns="forecast").equals(found[1].drop(columns="forecast"))
    assert set(found[1].forecast) == {"two"}


def test_regression_knows_what_era5_alone_tells_only_with_era5():
    """The future's mean is a variable's at the initial time; the past is noise."""
    windows = make_windows(storms=160, frames=12)  # one window a storm
    past, later = np.split(windows.frame_index, [windows.history], axis=1)
    known = windows.era5[past[:, -1], 0, 0, 0]
    frames = windows.frames.clone()
    frames[later] = known[:, None, None, None].expand(-1, 8, 32, 32)
    split = np.repeat(["train", "test"], [120, 40])

    table = regression.run(replace(windows, frames=frames, split=split), PARAMS)

    squares = table[table.statistic == "squared_error"].groupby("forecast").value.mean()
    assert squares[HISTORY] > 0.9 * 20**2  # the variance of the means, K²
    assert squares[ERA5] < 0.2 * squares[HISTORY]


def test_slopes_of_a_plane_are_its_own():
    rows, columns = np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 6), indexing="ij")
    np.testing.assert_allclose(regression._plane(2 + 3 * rows - 4 * columns), [2, 3, -4])


def test_blocks_become_frames_whose_means_they_are():
    frames = np.random.default_rng(0).normal(size=(3, 2, 16, 16))
    fine = np.stack(list(regression._fine(regression._coarse(frames), 16)))

    assert fine.shape == (3, 1, 2, 16, 16)
    np.testing.assert_allclose(
        regression._coarse(fine[:, 0]), regression._coarse(frames), atol=1e-6
    )


def known_statistics(crps: float, seed: int = 0, storms: int = 12) -> dict[str, np.ndarray]:
    """Of one window a storm; all forecasts share the storms' difficulty."""
    difficulty = np.random.default_rng(7).normal(1, 0.2, size=(storms, 1))
    values = crps + seed + difficulty * np.ones(len(LEADS))
    return {"crps": values, "squared_error": values**2, "variance": values**2 / 4}


def known(crps: dict[str, float], seeds: range = range(3)) -> dict:
    return {
        name: {seed: known_statistics(value, seed) for seed in seeds}
        for name, value in crps.items()
    }


DESIGN = Design(np.array([f"s{n}" for n in range(12)]), LEADS, resamples=200, seed=1)
CRPS = {row.forecast: 4.0 for row in LADDER.rows} | {BOUND: 2.0, "teacher": 2.5, "student": 3.5}


def cell(found: pd.DataFrame, score: str, forecast: str, seed: str = "mean", lead: str = "mean"):
    keys = found[["score", "forecast", "seed", "lead_hours"]]
    rows = found[(keys == [score, forecast, seed, lead]).all(axis=1)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_gains_and_their_shares_are_those_that_were_put_in():
    found = compared(LADDER, known(CRPS), DESIGN)

    gain = cell(found, "gain", "teacher")
    assert (gain.value, gain.low, gain.high) == pytest.approx((1.5, 1.5, 1.5))
    assert cell(found, "share", "teacher").value == pytest.approx(0.75)
    assert cell(found, "share", "student", seed="2", lead="6").value == pytest.approx(0.25)
    assert cell(found, "crps", "student").value == pytest.approx(
        cell(found, "crps", "student", seed="1").value
    )
    assert cell(found, "crps", "student", seed="2").value == pytest.approx(
        cell(found, "crps", "student", seed="0").value + 2
    )
    assert cell(found, "spread_skill", "teacher").value == pytest.approx(0.5)
    assert found[(found.score == "share")].forecast.isin([ERA5, BOUND]).sum() == 0


@pytest.mark.parametrize(
    ("comparison", "beside", "forecast", "better"),
    [
        (LADDER, PLAIN, BOUND, 2.5),
        (LADDER, PLAIN, "control", 0.5),
        (LADDER, PLAIN, HISTORY, -0.5),
        (LEDGER, "teacher", "student", -1.0),
        (LENGTH, "control", "student", 0.5),
        (LENGTH, "control", LONGER, 0.3),
    ],
)
def test_gains_beside_are_over_the_one_network(comparison, beside, forecast, better):
    crps = {row.forecast: 4.0 for row in comparison.rows} | CRPS
    crps |= {PLAIN: 4.5, LONGER: 3.7, HISTORY: 5.0}
    found = compared(comparison, known(crps), DESIGN)

    gain = cell(found, gain_over(beside), forecast)
    assert (gain.value, gain.low, gain.high) == pytest.approx((better, better, better))
    assert cell(found, gain_over(beside), forecast, seed="2", lead="6").value == pytest.approx(
        better
    )
    assert {*found[found.score == gain_over(beside)].forecast, beside} == {
        row.forecast for row in comparison.rows
    }


def test_a_student_is_held_to_the_networks_that_trained_as_long_as_it_and_its_teacher():
    crps = {"control": 4.0, "teacher": 3.5, LONGER: 3.0, LONGER_TEACHER: 2.0, "student": 2.5}
    found = compared(LENGTH, known(crps), DESIGN)

    assert cell(found, "gain", "student").value == pytest.approx(0.5)
    assert cell(found, "gain", LONGER_TEACHER).value == pytest.approx(1.0)
    assert cell(found, "gain", "teacher").value == pytest.approx(0.5)
    assert cell(found, "share", "student").value == pytest.approx(0.5)
    assert {*found[found.score == "share"].forecast} == {"student"}


def test_a_gain_beside_differs_from_storm_to_storm_as_its_interval_says():
    better = np.random.default_rng(3).normal(0.5, 1.0, size=len(DESIGN.storms))  # by storm, K
    found = known({row.forecast: 4.0 for row in LEDGER.rows}, range(1))
    student = found["student"][0]
    student["crps"] = student["crps"] - better[:, None]

    gain = cell(compared(LEDGER, found, DESIGN), gain_over("teacher"), "student")

    means = DESIGN.weights() @ better / len(better)
    expected = (better.mean(), *map(float, bootstrap.interval(means, len(better))))
    assert (gain.value, gain.low, gain.high) == pytest.approx(expected)


def test_rmse_of_several_trainings_is_the_root_of_their_mean_square():
    trainings = {0: known_statistics(1.0), 1: known_statistics(5.0)}
    found = compared(LEDGER, {row.forecast: trainings for row in LEDGER.rows}, DESIGN)
    squares = [trainings[seed]["squared_error"].mean() for seed in (0, 1)]

    assert cell(found, "rmse", "control").value == pytest.approx(np.mean(squares) ** 0.5)


def test_without_a_gain_of_the_whole_there_are_no_shares():
    nothing = compared(LEDGER, known({row.forecast: 4.0 for row in LEDGER.rows}), DESIGN)
    assert np.isnan(cell(nothing, "share", "student").value)
    assert tables.nested(nothing)["share"]["student"]["mean"] is None


def test_seeds_of_one_pair_are_compared_with_each_other():
    """Trainings of a seed share its luck, which a gain must not have."""
    crps = {"teacher": [1.0, 9.0], "control": [2.0, 10.0]}
    found = {
        name: {seed: known_statistics(crps.get(name, [5.0, 5.0])[seed]) for seed in (0, 1)}
        for name in (row.forecast for row in LEDGER.rows)
    }
    gain = cell(compared(LEDGER, found, DESIGN), "gain", "teacher")
    assert (gain.value, gain.low, gain.high) == pytest.approx((1.0, 1.0, 1.0))


def test_page_has_every_table_with_every_row_and_column():
    seeds = range(2)
    made = {
        LADDER: compared(LADDER, known(CRPS | {PLAIN: 4.25}, seeds), DESIGN),
        ABLATIONS: compared(
            ABLATIONS, known({row.forecast: 3.0 for row in ABLATIONS.rows}, seeds), DESIGN
        ),
    }
    page = tables.markdown(made, known_causes(seeds), "SYNTHETIC", DESIGN)

    assert "SYNTHETIC: 12 windows of 12 test storms" in page
    assert page.count("Seeds of the trainings: 0, 1.") == 2
    assert "**1.50** (1.50 to 1.50); 1.50, 1.50 | **1.75** (1.75 to 1.75); 1.75, 1.75" in page
    assert "| gain in CRPS (K) | gain over the plain U-Net without ERA5 (K) |" in page
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1, lines[0]
    for comparison in made:
        assert all(f"| {row.label} |" in page for row in comparison.rows)
    assert "| truth |  |  |  | 2.00 | 6.00 | 0.00 |" in page
    told = "0.81 (0.68 to 0.91) | 0.65 (0.53 to 0.74) | – (– to –) | 2.50 | 1.20 | 0.12 |"
    assert all(f"| teacher, seed {seed} | {told}" in page for seed in seeds)


def known_causes(seeds) -> dict:
    """Metrics of components.export_causal_matrix, as far as the tables read them."""
    nothing = dict.fromkeys(("value", "low", "high"))
    one = {
        "rank_correlation": {
            "interventional": {"value": 0.649, "low": 0.529, "high": 0.739},
            "initial_time": {"value": 0.808, "low": 0.683, "high": 0.905},
            "learned_on_test": nothing,
        },
        "truth": {"sst": 2.0, "r": 6.0, "placebo": 0.0},
        "initial_time": {"sst": 2.5, "r": 1.2, "placebo": 0.12},
    }
    return dict.fromkeys(seeds, one)


def write_scores(folder: Path, seeds=(0, 1)) -> None:
    def table(name, crps, seed):
        found = known_statistics(crps, seed)
        parts = [
            pd.DataFrame(
                {
                    "forecast": name,
                    "storm": np.repeat(DESIGN.storms, 2),
                    "init_time": "2001-08-01T00:00",
                    "lead_hours": np.tile(LEADS, 12),
                    "statistic": statistic,
                    "value": values.ravel(),
                }
            )
            for statistic, values in found.items()
        ]
        return pd.concat(parts)

    names = {row.forecast for one in (LADDER, LEDGER, LENGTH, ABLATIONS) for row in one.rows}
    for seed in seeds:
        for name in names - set(UNSEEDED):
            path = folder / str(seed) / f"{name}.csv.gz"
            scored.write(table(name, CRPS.get(name, 4.0), seed), path)
    for seed, metrics in known_causes(seeds).items():
        (folder / str(seed) / "causes.json").write_text(json.dumps(metrics))
    simple = pd.concat([table(name, 5.0, 0) for name in UNSEEDED])
    scored.write(simple, folder / "regression.csv.gz")


def write_params(folder: Path, seeds: list[int], ladder: list[int], ablations: list[int]) -> None:
    values = {"seeds": seeds, "ladder_seeds": ladder, "ablation_seeds": ablations}
    known = yaml.safe_load((ROOT / "evidence/params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump(known | values))


def test_the_longer_control_has_the_steps_of_student_and_teacher_together():
    known = yaml.safe_load((ROOT / "evidence/params.yaml").read_text())

    with pytest.raises(ValueError, match=f"twice = 1, expected {2 * known['steps']}"):
        EvidenceParams(**known | {"verify": PARAMS, "twice": 1})


@pytest.fixture
def files(tmp_path, monkeypatch):
    """What the stage `tables` is given, as its command line."""
    write_scores(tmp_path / "scores")
    write_params(tmp_path, [0, 1], [0, 1], [1])
    xr.Dataset(attrs={"synthetic": 1}).to_zarr(tmp_path / "windows.zarr", zarr_format=3)
    words = ["--params", str(tmp_path / "params.yaml")]
    for flag, name in (("windows", "windows.zarr"), ("scores", "scores")):
        words += [f"--{flag}", str(tmp_path / name)]
    words += ["--tables", str(tmp_path / "docs/tables.md"), "--metrics", str(tmp_path / "m.json")]
    monkeypatch.setattr(sys, "argv", ["tables", *words])
    return tmp_path


def test_tables_are_made_of_the_seeds_that_are_asked_for(files):
    write_scores(files / "scores", seeds=(0, 1, 2))  # of an earlier time
    tables.main()

    metrics = json.loads((files / "m.json").read_text())
    assert metrics["ladder"]["gain"]["teacher"]["mean"] == pytest.approx(1.5)
    assert metrics["ladder"]["share"]["teacher"]["6"] == pytest.approx(0.75)
    assert metrics["ledger"]["gain_over_teacher"]["student"]["mean"] == pytest.approx(-1.0)
    assert metrics["length"]["gain_over_control"]["student"]["seeds"].keys() == {"0", "1"}
    assert metrics["ladder"]["crps"]["student"]["seeds"].keys() == {"0", "1"}
    assert metrics["ablations"]["crps"]["student"]["seeds"].keys() == {"1"}
    agreement = metrics["causes"]["1"]["rank_correlation"]
    assert agreement["initial_time"]["value"] == pytest.approx(0.808)
    assert metrics["counts"]["test"] == {
        "storms": 12,
        "windows": 12,
        "members": LENGTHS["verify"]["members"],
    }
    assert "SYNTHETIC" in (files / "docs/tables.md").read_text()


def test_some_tables_alone_need_no_scores_of_the_others(files, monkeypatch):
    (files / "scores/1/student_without_distill.csv.gz").unlink()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--only", "ledger", "ladder"])
    tables.main()
    assert json.loads((files / "m.json").read_text()).keys() == {"ladder", "ledger", "counts"}
    assert "Causes" not in (files / "docs/tables.md").read_text()


def test_the_table_of_causes_can_be_made_alone(files, monkeypatch):
    (files / "scores/1/student.csv.gz").unlink()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--only", "causes"])
    tables.main()
    assert json.loads((files / "m.json").read_text()).keys() == {"causes", "counts"}


def test_a_table_that_nobody_knows_is_refused(files, monkeypatch):
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--only", "leger"])
    with pytest.raises(SystemExit, match="no table is called leger, expected ladder, ledger"):
        tables.main()


def test_the_file_of_the_repository_asks_for_more_windows_than_the_default_run():
    asked = settings.read(str(ROOT / "evidence/params.yaml"))
    known = parameter_file.read("params.yaml", "verify", VerifyParams)
    assert asked.verify.windows > known.windows
    assert asked.verify.seed == known.seed


def test_the_same_statistics_are_the_same_file(tmp_path):
    table = pd.DataFrame({"forecast": ["teacher"], "value": [1 / 3]})
    for name in ("one", "two"):
        scored.write(table, tmp_path / name / "teacher.csv.gz")
    one, two = ((tmp_path / name / "teacher.csv.gz").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda f: (f / "scores/1/student.csv.gz").unlink(),
            r"no table .*scores/1/student\.csv\.gz; `make",
        ),
        (
            lambda f: (f / "scores/0/causes.json").unlink(),
            r"no file .*scores/0/causes\.json; `make",
        ),
        (
            lambda f: _of_another_storm(f / "scores/1/control.csv.gz"),
            "are of other windows|has crps of",
        ),
        (
            lambda f: write_params(f, [0], [0], [1]),
            r"ablation_seeds has \[1\], expected some of seeds = \[0\]",
        ),
        (
            lambda f: write_params(f, [], [], []),
            r"evidence\.seeds = \[\]",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(files, spoil, told):
    spoil(files)
    with pytest.raises(SystemExit, match=told):
        tables.main()


def _of_another_storm(path: Path) -> None:
    table = pd.read_csv(path)
    path.unlink()
    scored.write(table.assign(storm=table.storm.replace("s3", "elsewhere")), path)


def test_statistics_have_what_the_scores_of_the_tables_need():
    forecast = np.random.default_rng(0).normal(250, 10, size=(3, 2, 32, 32))
    assert statistics(forecast, forecast[0]).keys() >= {"crps", "squared_error", "variance"}
