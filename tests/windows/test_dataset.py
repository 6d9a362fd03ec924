import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nephele.fields.variables import PLACEBO
from nephele.regridding.storm import Target
from nephele.windows import dataset
from nephele.windows.index import Shape

LEVELS = {"msl": None, "r": 200}
STORMS, LENGTH, SIZE = 8, 6, 4
PROVENANCE = {"source": "synthetic", "synthetic": True, "environment": "analysis"}


def build(placebo, provenance=PROVENANCE):
    random = np.random.default_rng(0)
    count = STORMS * LENGTH
    shape = (count, len(LEVELS), SIZE, SIZE)
    table = pd.DataFrame(
        {
            "storm": np.repeat([f"s{number}" for number in range(STORMS)], LENGTH),
            "time": np.tile(pd.date_range("2001-08-01", periods=LENGTH, freq="3h"), STORMS),
            "latitude": 20.0,
            "longitude": 130.0,
        }
    )
    frames = dataset.Frames(
        table,
        random.normal(270, 20, (count, SIZE, SIZE)).astype(np.float32),
        random.normal(50, 10, shape).astype(np.float32),
        random.integers(1, 101, shape).astype(np.uint8),
        filled=0.0,
    )
    plan = dataset.Plan(Shape(2, 1, 3), 1, "storm", 12, (0.25, 0.25), placebo, seed=3)
    return dataset.build(frames, LEVELS, Target(SIZE, 2e4), plan, provenance | {"attribution": ""})


def test_the_placebo_has_the_statistics_of_what_it_copies():
    windows = build("r")
    copied, original = (windows.sel(variable=name) for name in (PLACEBO, "r"))
    for name in ("era5_mean", "era5_std", "era5_climatology"):
        np.testing.assert_allclose(copied[name], original[name], rtol=1e-6)
    assert copied.era5_units.item() == "%"
    assert copied.era5_level.item() == "200 hPa"


def test_no_storm_has_its_own_fields_as_placebo_but_those_of_one_other_of_its_split():
    windows = build("r")
    split = dict(zip(windows.window_storm.values, windows.split.values, strict=True))
    fields = {
        storm: windows.isel(frame=windows.storm.values == storm)[["era5", "era5_valid"]]
        for storm in split
    }
    for storm, mine in fields.items():
        copied = mine.sel(variable=PLACEBO, drop=True)
        from_ = [
            other
            for other, theirs in fields.items()
            if np.array_equal(copied.era5, theirs.sel(variable="r").era5)
            and np.array_equal(copied.era5_valid, theirs.sel(variable="r").era5_valid)
        ]
        assert len(from_) == 1
        assert from_ != [storm]
        assert split[from_[0]] == split[storm]


def test_without_a_placebo_all_else_is_the_same():
    xr.testing.assert_identical(build(None), build("r").sel(variable=list(LEVELS)))


def test_the_seed_of_the_world_travels_on_and_real_data_have_none():
    assert build("r", PROVENANCE | {"world_seed": 7}).attrs["world_seed"] == 7
    assert "world_seed" not in build("r").attrs


def test_a_placebo_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"regrid\.placebo = 'q', expected one of msl, r, or null"):
        build("q")
