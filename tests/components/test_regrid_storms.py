import os
import shutil
import signal

import frames_files
import numpy as np
import pytest
import xarray as xr
from distributed import LocalCluster

from components.regrid import cluster, storms
from nephele.regridding import storm as regridding
from nephele.regridding.targets import Target

TARGET = Target(16, 40e3)
NAMES = ["S0001", "S0002", "S0003"]
VARIABLES = {"msl": None, "sst": None}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three storms as acquire leaves them, the sea ending in the west."""
    folder = tmp_path_factory.mktemp("data")
    latitude, longitude = np.arange(0.0, 31, 2.5), np.arange(125.0, 156, 2.5)
    times = frames_files.series()
    shape = (len(times), len(latitude), len(longitude))
    for seed, name in enumerate(NAMES):
        random = np.random.default_rng(seed)
        (folder / name).mkdir()
        frames_files.frames(times, seed=seed).to_netcdf(folder / name / "frames.nc")
        sst = 295 + 10 * random.random(shape)
        sst[:, :, :6] = np.nan
        dims = ("time", "latitude", "longitude")
        xr.Dataset(
            {
                "msl": (dims, 100_000 + 100 * random.random(shape), {"units": "Pa"}),
                "sst": (dims, sst, {"units": "K"}),
            },
            {"time": times, "latitude": latitude, "longitude": longitude},
        ).to_netcdf(folder / name / "era5.nc")
    return folder


def regridded(data, folder, scheduler=None, target=TARGET):
    with cluster.connected(scheduler):
        return storms.regridded(data, NAMES, VARIABLES, target, folder)


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert (one.name, one.filled) == (other.name, other.filled)
        assert one.times.equals(other.times)
        for name in (*storms.ARRAYS, "latitude", "longitude"):
            values, wanted = getattr(one, name), getattr(other, name)
            np.testing.assert_array_equal(values, wanted)
            # Sums over them are to keep their last digit, too.
            assert values.strides == wanted.strides, name


@pytest.fixture(scope="module")
def expected(data):
    return [
        regridding.regrid(*storms.read_storm(data, name, VARIABLES), list(VARIABLES), TARGET)
        for name in NAMES
    ]


def test_what_comes_from_disk_is_what_was_made_to_the_order_in_memory(data, expected, tmp_path):
    assert np.isnan(expected[0].era5).any()
    assert_same(regridded(data, tmp_path), expected)


def test_what_an_interrupted_run_has_made_is_not_made_again(data, expected, tmp_path, monkeypatch):
    made, original = [], regridding.regrid

    def interrupted(name, *rest):
        made.append(name)
        if len(made) == 2:
            raise KeyboardInterrupt
        return original(name, *rest)

    monkeypatch.setattr(regridding, "regrid", interrupted)
    monkeypatch.setattr("dask.system.CPU_COUNT", 1)
    parts = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt), storms.kept(parts) as folder:
        regridded(data, folder)
    with storms.kept(parts) as folder:
        # Read before the folder goes.
        assert_same(regridded(data, folder), expected)
    assert made.count(made[0]) == 1
    assert sorted({*made}) == NAMES
    assert len(made) == 4
    assert not parts.exists()


def test_another_target_or_other_data_are_made_again(data, tmp_path):
    regridded(data, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    other = regridded(data, tmp_path, target=Target(8, 40e3))
    assert other[0].frames.shape == (6, 8, 8)
    assert len(list(tmp_path.iterdir())) == 6


def test_a_storm_at_fault_costs_the_others_nothing(data, tmp_path, monkeypatch):
    monkeypatch.setattr("dask.system.CPU_COUNT", 1)  # nobody is at work when the error comes
    faulty = tmp_path / "data"
    shutil.copytree(data, faulty)
    (faulty / NAMES[1] / "era5.nc").write_bytes(b"no NetCDF")
    parts = tmp_path / "parts"
    with pytest.raises(ValueError, match=r"S0002/era5\.nc"), storms.kept(parts) as folder:
        storms.regridded(faulty, NAMES[:1], VARIABLES, TARGET, folder)
        regridded(faulty, folder)
    there = {part.name for part in parts.iterdir()}
    assert {name[:5] for name in there} <= {NAMES[0], NAMES[2]}
    with storms.kept(parts) as folder:
        regridded(data, folder)
        assert there < {part.name for part in folder.iterdir()}
    assert not parts.exists()


def test_where_nothing_was_made_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="mend"), storms.kept(tmp_path / "parts"):
        raise ValueError("mend this")
    assert not (tmp_path / "parts").exists()


def test_on_a_cluster_the_loss_of_a_worker_changes_nothing(data, expected, tmp_path):
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="ERROR"
    ) as local:
        victim = min(worker.pid for worker in local.workers.values())
        os.kill(victim, signal.SIGKILL)
        found = regridded(data, tmp_path, local.scheduler_address)
        assert_same(found, expected)


def test_a_scheduler_without_workers_is_refused():
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", silence_logs="ERROR") as local,
        pytest.raises(ValueError, match="has no workers"),
        cluster.connected(local.scheduler_address),
    ):
        pass
