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
    return [(score, forecast, lead, value, *ends, 18, 48) for lead in [*LEADS, "mean"]]


def write_scores(path, gap, student):
    rows = []
    for name, crps in {
        "teacher": 5 - gap,
        "student": student,
        "control": 5.0,
        "persistence": 8.0,
    }.items():
        rows += score_rows("crps", name, crps, 0.1)
        rows += score_rows("rmse", name, 1.5 * crps, 0.1)
        if name != "persistence":
            rows += score_rows("gain_over_persistence", name, 8 - crps, 0.1)
    rows += score_rows("gain_over_control", "teacher", gap, 0.1)
    gain = round(5.0 - student, 6)
    rows += score_rows("gain_over_control", "student", gain, 0.1)
    rows += score_rows("gap_closed", "student", gain / gap if gap > 0.1 else np.nan, 0.15)
    columns = ["score", "forecast", "lead_hours", "value", "low", "high", "storms", "windows"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)


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


def write_inputs(folder, gap=0.5, synthetic=1, environment="analysis", student=4.8):
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
    write_scores(folder / "scores", gap, student)
    found = pd.read_csv(folder / "scores", dtype={"lead_hours": str})
    verification: dict = {"counts": {"test": {"storms": 18}}}
    for row in found.itertuples():
        value = None if np.isnan(row.value) else row.value
        verification.setdefault(row.score, {}).setdefault(row.forecast, {})[row.lead_hours] = value
    for name, values in {
        "regridding": regridding,
        "teacher_metrics": training,
        "student_metrics": training,
        "control_metrics": training,
        "verification": verification,
        **alignment_and_causes(folder),
    }.items():
        (folder / name).write_text(json.dumps(values))
    write_forecasts(folder / "forecasts")
    write_student(folder)
    write_png(folder / "heat_map.png")
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


def alignment_and_causes(folder):
    matrix = pd.DataFrame(1.5, index=["sst", "msl", "z", "r"], columns=LEADS[:5])
    matrix.to_csv(folder / "causal_matrix", index_label="variable")
    columns = ["variable", "kind", "resolution", "metric", "student"]
    columns += ["shuffled", "untrained", "collapsed", "control"]
    rows = [
        ("sst", "encoder", 16, "cka", 0.9, 0.0, 0.2, 0.0, 0.5),
        ("r", "attention", 32, "cka", 0.5, 0.0, 0.2, 0.0, 0.6),
        ("r", "attention", 32, "retrieval", 0.25, 0.02, 0.03, 0.02, 0.125),
    ]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "similarity", index=False)
    loss = {"sst": (0.5, 0.3, 0.7), "r": (0.1, -0.1, 0.3), "z": (0.1, None, None)}
    parts = {
        part: {name: dict.fromkeys(LEADS[:5], three[place]) for name, three in loss.items()}
        for place, part in enumerate(("values", "low", "high"))
    }
    details = {
        "units": "K",
        "lead_hours": [int(lead) for lead in LEADS[:5]],
        "matrices": {"skill_loss": {"meaning": "Growth of the RMSE.", **parts}},
    }
    return {"causal_details": details, "tsne_metrics": {}}
