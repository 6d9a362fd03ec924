import archive_files
import numpy as np
import pytest

from nephele.archives import satellite
from nephele.fields.variables import FRAMES
from nephele.params import SyntheticParams
from nephele.world import archive as world
from nephele.world.simulation import simulate

PARAMS = SyntheticParams(seed=5, storms=3, frames=4)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world.write(folder, PARAMS, archive_files.VARIABLES)
    return folder


def test_what_the_world_writes_is_what_is_read(archive):
    frames = satellite.read_frames(archive, "S0002")
    truth = simulate(PARAMS.seed, 2, PARAMS.frames)
    # Half a step of the packed counts.
    np.testing.assert_allclose(frames[FRAMES], truth[FRAMES], atol=0.1 + 1e-4)
    np.testing.assert_allclose(frames.centre_latitude, truth.centre_latitude)
    assert frames.indexes["time"].equals(truth.indexes["time"])


def test_the_fields_reach_around_every_frame(archive):
    frames = satellite.read_frames(archive, "S0001")
    fields = satellite.read_era5(archive, "S0001", frames, archive_files.VARIABLES)
    assert fields.time.values[-1] <= frames.time.values[-1]
    assert fields.time.values[0] <= frames.time.values[0]
    assert fields.msl.notnull().all()


def test_an_empty_archive_is_named(tmp_path):
    with pytest.raises(ValueError, match="frames: found no NetCDF file"):
        satellite.storms(tmp_path)
