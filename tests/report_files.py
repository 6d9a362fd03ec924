"""What the stage `report` reads, with figures that are known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from nephele.params import ReportParams

LEADS = [str(3 * step) for step in range(1, 9)]
SIZE = 16
PARAMETERS = Path(__file__).parents[1] / "params.yaml"


def write_png(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Figure(figsize=(1, 1)).savefig(path, metadata={"Software": None})


def score_rows(score, forecast, value, half_width):
    ends = (value - half_width, value + half_width)
    return [(score, forecast, lead, value, *ends) for lead in [*LEADS, "mean"]]


def crps_of(gap, student):
    networks = {"teacher": 5 - gap, "student": student, "control": 5.0}
    return {**networks, "persistence": 8.0, "optical_flow": 4.85}


def scores(crps, gap):
    """The table of scores; differences between them are known to 0.1 K."""
    rows = []
    for name, value in crps.items():
        rows += score_rows("crps", name, value, 0.1)
        rows += score_rows("rmse", name, 1.5 * value, 0.1)
    gain = round(crps["control"] - crps["student"], 6)
    rows += score_rows("gain_over_control", "teacher", gap, 0.1)
    rows += score_rows("gain_over_control", "student", gain, 0.1)
    rows += score_rows("gap_closed", "student", gain / gap if gap > 0.1 else np.nan, 0.15)
    rows += score_rows("spread_skill", "student", 0.95, 0.05)
    rows += score_rows("spectrum_ratio.below_100_km", "student", 1.5, 0.1)
    columns = ["score", "forecast", "lead_hours", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def differences(crps):
    """Of the student and the teacher, one score less another, known to 0.1 K."""
    pairs = [("teacher", "control"), ("student", "control"), ("student", "teacher")]
    pairs += [("student", "persistence"), ("student", "optical_flow")]
    rows = []
    for score, factor in {"crps": 1.0, "rmse": 1.5}.items():
        for forecast, other in pairs:
            value = round(factor * (crps[forecast] - crps[other]), 6)
            rows += [(*row, other) for row in score_rows(score, forecast, value, 0.1)]
    columns = ["score", "forecast", "lead_hours", "value", "low", "high", "against"]
    found = pd.DataFrame(rows, columns=columns)
    found["verdict"] = np.select(
        [found.high < 0, found.low > 0], ["better", "worse"], "no evidence"
    )
    return found


def write_table(path, table, storms):
    """With fewer than five storms nothing has an interval, so there is no evidence of anything."""
    if storms < 5:
        table = table.assign(low=np.nan, high=np.nan)
        if "verdict" in table:
            table["verdict"] = "no evidence"
    table.assign(storms=storms, windows=48).to_csv(path, index=False)


def write_windows(path, attributes):
    split = ["train"] * 12 + ["validation"] * 2 + ["test"] * 4
    storms = [f"S{number // 2:03d}" for number in range(18)]
    text = np.dtypes.StringDType()
    coordinates = {
        "window_storm": ("window", np.array(storms, text)),
        "split": ("window", np.array(split, text)),
    }
    xr.Dataset(coords=coordinates, attrs=attributes).to_zarr(path, zarr_format=3, consolidated=True)


def write_forecasts(path):
    rng = np.random.default_rng(0)

    def frames(*axes):
        return rng.uniform(200, 300, (*axes, SIZE, SIZE)).astype(np.float32)

    xr.Dataset(
        {
            "forecast": (
                ("window", "network", "member", "lead_time", "y", "x"),
                frames(2, 3, 4, 8),
            ),
            "past": (("window", "time", "y", "x"), frames(2, 4)),
            "truth": (("window", "lead_time", "y", "x"), frames(2, 8)),
            "persistence": (("window", "lead_time", "y", "x"), frames(2, 8)),
        },
        coords={
            "network": ["teacher", "student", "control"],
            "lead_time": ("lead_time", 3 * np.arange(1, 9), {"units": "hours"}),
            "time": ("time", 3 * np.arange(-3, 1), {"units": "hours"}),
            "storm": ("window", ["S007", "S008"]),
            "init_time": ("window", np.array(["2007-10-04T06", "2007-10-08"], "datetime64[ns]")),
        },
    ).to_netcdf(path)


def write_inputs(folder, gap=0.5, synthetic=1, environment="analysis", student=4.8, storms=18):
    """Files as the stages before the report write them; returns the stage's flags.

    CRPS of the control is 5 K, of the teacher by `gap` less, of the student `student`.
    """
    folder.mkdir()
    attributes = {
        "source": "synthetic" if synthetic else "digital_typhoon",
        "synthetic": synthetic,
        "environment": environment,
        "split_by": "storm" if synthetic else "time",
        "attribution": "Frames & fields by <somebody>",
        **{"history": 4, "future": 5, "rollout": 8, "spacing_hours": 3, "cell_km": 20.0},
    }
    write_windows(folder / "windows", attributes)
    regridding = {
        "frames": 480,
        "dropped_by_reason": {"burnt-in text": 3},
        "dropped": [
            {
                "storm": "198702",
                "time": f"1987-07-01T0{hour}:00:00",
                "reason": "burnt-in text: <1 %",
            }
            for hour in range(3)
        ],
        "frame_mean": 269.8,
        "frame_std": 24.6,
        "residual_std": dict.fromkeys(LEADS, 12.0),
        "era5_mean": {"sst": 300.1, "msl": 100812.0},
        "era5_std": {"sst": 2.0, "msl": 600.0},
        "era5_valid": {"sst": 0.91, "msl": 1.0},
    }
    training = {"parameters": 3123456, "terms": {"score": 0.41}, "sampling_steps": 5}
    crps = crps_of(gap, student)
    found = scores(crps, gap)
    write_table(folder / "scores", found, storms)
    write_table(folder / "differences", differences(crps), storms)
    counts = {"storms": storms, "windows": 48, "members": 8}
    verification = {"counts": {"test": counts}, "calibration": calibration(storms)}
    for row in found.itertuples():
        value = None if np.isnan(row.value) else row.value
        verification.setdefault(row.score, {}).setdefault(row.forecast, {})[row.lead_hours] = value
    for name, values in {
        "regridding": regridding,
        "teacher_metrics": training,
        "student_metrics": training,
        "control_metrics": training,
        "verification": verification,
        "causal_details": causes(synthetic, storms),
        "tsne_metrics": {"trustworthiness": {"encoder_16": {"teacher": 0.9, "both": 0.8}}},
    }.items():
        (folder / name).write_text(json.dumps(values))
    write_forecasts(folder / "forecasts")
    write_student(folder)
    write_alignment(folder)
    write_png(folder / "heat_map.png")
    write_png(folder / "dose_response.png")
    for name in ("contact_sheets", "tsne_pictures", "verification_pictures"):
        write_png(folder / name / "picture.png")
    flags = {path.stem: path for path in folder.iterdir()}
    return {**flags, "params": ReportParams(forecasts=2), "parameters": str(PARAMETERS)}


def write_student(folder):
    """The model, of which the report needs the description, and its CRPS by window."""
    (folder / "student").mkdir()
    rows = [
        (f"S{storm:03d}", "2007-10-04T06:00", int(lead), 265.0 + storm, 4.8, 8.0)
        for storm in range(18)
        for lead in LEADS
    ]
    columns = ["storm", "init_time", "lead_hours", "truth", "student", "persistence"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "by_window", index=False)


def calibration(storms):
    """Of the student: too narrow at the first lead time, as wanted at the others."""
    known = storms >= 5

    def entry(ratio, within):
        words = "within 0.8 to 1.2" if within else "too narrow: outside 0.8 to 1.2"
        return {
            "spread_skill": ratio,
            "low": ratio - 0.05 if known else None,
            "high": ratio + 0.05 if known else None,
            "within": within,
            "sure": known,
            "statement": words if known else f"{words}, but not surely",
            **{"reliability_index": 0.05, "perfect": 0.03, "perfect_most": 0.06},
        }

    others = {lead: entry(0.95, True) for lead in [*LEADS[1:], "mean"]}
    return {"student": {LEADS[0]: entry(0.6, False), **others}}


def write_alignment(folder):
    """Likeness shown of sst's encoders alone; sst is seen in clouds, r is not."""
    columns = ["variable", "kind", "resolution", "metric", "student"]
    columns += ["shuffled", "untrained", "collapsed", "control"]
    columns += ["nearest", "difference", "low", "high", "band", "verdict"]
    rows = [
        ("sst", "encoder", 16, "cka", 0.9, 0.0, 0.2, 0.0, 0.5, 0.4, 0.2, "evidence"),
        ("r", "attention", 32, "cka", 0.5, 0.0, 0.2, 0.0, 0.6, -0.1, -0.3, "no evidence"),
        ("placebo", "attention", 32, "cka", 0.5, 0.0, 0.2, 0.0, 0.6, -0.1, -0.3, "no evidence"),
        (
            "r",
            "attention",
            32,
            "retrieval",
            0.25,
            0.02,
            0.03,
            0.02,
            0.125,
            0.1,
            -0.1,
            "no evidence",
        ),
    ]
    whole = [(*row[:9], "control", *row[9:11], row[9] + 0.2, "", row[11]) for row in rows]
    pd.DataFrame(whole, columns=columns).to_csv(folder / "similarity", index=False)
    rows = [
        (variable, "scene", who, r2, r2 - 0.1, r2 + 0.1, more, more - 0.05, more + 0.05, 18, 48)
        for variable, r2, more in (("sst", 0.5, 0.2), ("r", 0.2, 0.0), ("placebo", -0.1, 0.0))
        for who in ("student", "control", "untrained", "frames")
    ]
    columns = ["variable", "target", "features", "r2", "low", "high"]
    columns += ["difference", "difference_low", "difference_high", "storms", "windows"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "probe", index=False)


def causes(synthetic, storms):
    """sst moves the forecast most, at 15 h; the placebo is below sst and not below r."""
    effects = {"sst": 2.0, "r": 0.4, "placebo": 0.3}
    matrices = {
        "interventional": matrix(effects, 0.2),
        "skill_loss": matrix({"sst": 0.5, "r": 0.1}, 0.2),
    }
    if synthetic:
        matrices = {"truth": matrix({"sst": 4.0, "r": 1.0, "placebo": 0.0}, 0.0)} | matrices
    details = {
        "units": "K",
        "lead_hours": [int(lead) for lead in LEADS[:5]],
        "conclusions": ["The learned matrix does not deserve the name causal: <why>."],
        "rank_correlation": {"interventional": estimate(0.85, 0.1)} if synthetic else {},
        "over_lead_time_alone": {"interventional": estimate(0.3, 0.1)} if synthetic else {},
        "over_placebo": {"interventional": {"sst": estimate(1.7, 0.3), "r": estimate(0.1, 0.2)}},
        "dose_response": {"interventional": {"sst": {"0.5": estimate(1.0, 0.1)}}, "truth": {}},
        "matrices": matrices,
    }
    return details if storms >= 5 else without_intervals(details)


def matrix(effects, half_width):
    """An effect grows with lead time by a twentieth of itself each."""
    grown = {
        name: {lead: value * (1 + step / 20) for step, lead in enumerate(LEADS[:5])}
        for name, value in effects.items()
    }
    ends = {"values": 0.0, "low": -half_width, "high": half_width}
    return {"meaning": "Its meaning."} | {
        end: {name: {lead: x + more for lead, x in by.items()} for name, by in grown.items()}
        for end, more in ends.items()
    }


def estimate(value, half_width):
    return {"value": value, "low": value - half_width, "high": value + half_width}


def without_intervals(found):
    """The same, null wherever an interval ends."""
    if not isinstance(found, dict):
        return found
    return {
        name: blank(value) if name in ("low", "high") else without_intervals(value)
        for name, value in found.items()
    }


def blank(value):
    return {name: blank(x) for name, x in value.items()} if isinstance(value, dict) else None
