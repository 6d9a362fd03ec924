"""Windows small enough to know by heart."""

import numpy as np
import torch

from nephele.windows.tensors import Scales, Windows

HISTORY, FUTURE, ROLLOUT, SIZE = 4, 5, 8, 32
VARIABLES = ("sst", "msl", "z", "r")


def make_windows(storms: int = 8, frames: int = 14, seed: int = 0) -> Windows:
    """Windows of smooth random fields; every second storm but two is for testing."""
    generator = torch.Generator().manual_seed(seed)
    count = storms * frames
    index, storm = [], []
    for number in range(storms):
        for start in range(frames - HISTORY - ROLLOUT + 1):
            index.append(number * frames + start + np.arange(HISTORY + ROLLOUT))
            storm.append(f"s{number:02d}")
    shape = (count, SIZE, SIZE)
    variables = (count, len(VARIABLES), SIZE, SIZE)
    environment = torch.randn((*variables[:2], 1, 1), generator=generator).expand(variables)
    return Windows(
        frames=torch.randn(shape, generator=generator),
        era5=environment.contiguous(),
        valid=torch.ones(variables),
        climatology=torch.zeros(variables[1:]),
        frame_index=np.array(index, dtype=np.int32),
        split=np.full(len(index), "test"),
        storm=np.array(storm),
        init_time=np.datetime64("2001-08-01T00", "ns")
        + np.arange(len(index)) * np.timedelta64(3, "h"),
        variables=VARIABLES,
        history=HISTORY,
        future=FUTURE,
        lead_hours=tuple(range(3, 3 * ROLLOUT + 1, 3)),
        scales=Scales(mean=265.0, std=20.0),
        attributes={"synthetic": 1, "environment": "analysis", "cell_km": 20.0},
    )
