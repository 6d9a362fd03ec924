"""Images for the tests: built for as much as they are missing."""

import os
import subprocess

import pytest

from pipeline import building, images

NETWORK = os.environ.get("NETWORK", "")
REQUIRED = "NEPHELE_TEST_CONTAINERS"  # set by `make test-containers`: without a daemon it fails


@pytest.fixture(scope="session")
def built() -> dict[str, str]:
    """Stage → image, as `make images` builds them."""
    if subprocess.run(["docker", "version"], capture_output=True).returncode != 0:
        told = "no docker daemon answers; `make test-containers` starts one"
        pytest.fail(told) if os.environ.get(REQUIRED) else pytest.skip(told)
    base = os.environ.get("BASE_IMAGE", "")
    names = building.build(images.stages(), base=base, network=NETWORK)
    return dict(zip(images.stages(), names, strict=True))
