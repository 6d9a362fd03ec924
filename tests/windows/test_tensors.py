from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from nephele.windows.tensors import FARTHEST, Windows

STORMS = ("S1", "S2", "S3")
LONG = 10  # frames a storm


@pytest.fixture
def regridded() -> xr.Dataset:
    """Three storms of ten frames, which are their own number everywhere, K."""
    number = np.arange(LONG * len(STORMS), dtype=np.float32)
    frames = np.broadcast_to(number[:, None, None], (len(number), 8, 8))
    era5 = np.stack([frames, 1000 - frames], axis=1)
    starts = [LONG * storm + start for storm in range(len(STORMS)) for start in range(6)]
    index = np.array(starts)[:, None] + np.arange(5)
    return xr.Dataset(
        {
            "brightness_temperature": (("frame", "y", "x"), frames),
            "era5": (("frame", "variable", "y", "x"), era5),
            "era5_valid": (("frame", "variable", "y", "x"), np.ones_like(era5)),
            "frame_index": (("window", "step"), index),
            "frame_mean": 10.0,
            "frame_std": 2.0,
            "residual_std": ("lead", [1.0, 2.0, 3.0]),
            "era5_mean": ("variable", [0.0, 1000.0]),
            "era5_std": ("variable", [1.0, 5.0]),
            "era5_climatology": (("variable", "y", "x"), _everywhere(0.0, 1000.0)),
            "era5_spread": (("variable", "y", "x"), _everywhere(1.0, 5.0)),
        },
        coords={
            "variable": ["sst", "msl"],
            "step": [-3, 0, 3, 6, 9],
            "split": ("window", ["train"] * 12 + ["test"] * 6),
            "window_storm": ("window", np.repeat(STORMS, 6)),
            "init_time": ("window", np.datetime64("2007-10-03", "ns") + np.arange(18)),
        },
        attrs={"history": 2, "future": 2, "rollout": 3},
    )


def _everywhere(*values: float) -> np.ndarray:
    return np.stack([np.full((8, 8), value) for value in values])


def test_history_ends_at_the_initial_time_and_the_future_begins_after_it(regridded):
    windows = Windows.of(regridded)

    samples = windows.samples([13])  # the second window of S3: frames 21 to 25

    assert (samples.history[0, :, 0, 0] * 2 + 10).tolist() == [21, 22]
    assert (samples.future[0, :, 0, 0] * 2 + 10).tolist() == [23, 24, 25]
    assert windows.lead_hours == (3, 6, 9)


def test_era5_is_that_of_the_history_and_no_later(regridded):
    samples = Windows.of(regridded).samples([1])  # frames 1 to 5, initial time at frame 2

    assert samples.era5.shape == (1, 2, 2, 8, 8)
    assert samples.era5[0, 0, :, 0, 0].tolist() == [1, 2]
    expected = torch.tensor([-0.2, -0.4])
    half = 1e-3  # what half precision leaves of values of this size
    torch.testing.assert_close(samples.era5[0, 1, :, 0, 0], expected, atol=half, rtol=0)


def test_with_hindsight_era5_is_that_of_the_networks_lead_times_too(regridded):
    windows = Windows.of(regridded)
    plain, knowing = windows.samples([1]), replace(windows, hindsight=True).samples([1])

    assert knowing.era5[0, 0, :, 0, 0].tolist() == [1, 2, 3, 4]  # two of the three lead times
    assert knowing.valid.shape == knowing.era5.shape
    assert torch.equal(knowing.history, plain.history)
    assert torch.equal(knowing.future, plain.future)


def test_stretches_are_all_histories_that_windows_contain(regridded):
    windows = Windows.of(regridded)

    stretches = windows.stretches("test")  # S3: frames 20 to 29

    assert stretches.tolist() == [[first, first + 1] for first in range(20, 29)]
    known = windows.known(stretches[3:4])
    assert (known.history[0, :, 0, 0] * 2 + 10).tolist() == [23, 24]
    assert known.era5[0, 0, :, 0, 0].tolist() == windows.samples([15]).era5[0, 0, :, 0, 0].tolist()
    assert known.future.shape[1] == 0


def test_with_hindsight_stretches_are_as_long_as_what_is_seen_of_era5(regridded):
    windows = replace(Windows.of(regridded), hindsight=True)

    known = windows.known(windows.stretches("test")[:1])

    assert known.history.shape[1] == 2
    assert known.era5.shape[2] == 4
    assert known.future.shape[1] == 0


def test_an_environment_far_from_all_training_says_no_more(regridded):
    samples = Windows.of(regridded).samples([17])

    assert (samples.era5[0, 0] == FARTHEST).all()


def test_windows_are_spread_over_the_middles_of_a_storms_life(regridded):
    windows = Windows.of(regridded)

    assert windows.spread("test", 1).tolist() == [15]
    assert windows.spread("test", 2).tolist() == [13, 16]
    assert windows.spread("test", 99).tolist() == [12, 13, 14, 15, 16, 17]
    assert windows.spread("train", 4).tolist() == [1, 4, 7, 10]
    assert windows.spread("validation", 4).tolist() == []
