"""Windows as tensors: normalised samples for the networks, and the way back to K."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

HistoryFrames = Float[Tensor, "batch history y x"]
FutureFrames = Float[Tensor, "batch rollout y x"]
Environment = Float[Tensor, "batch variable time y x"]  # of the history, unless with hindsight


FARTHEST = 5.0  # standard deviations: an environment far from all that was trained on says no more


@dataclass(frozen=True)
class Scales:
    """What undoes the normalisation; from the training storms alone.

    Attributes:
        mean, std: of the frames, K.
    """

    mean: float
    std: float


@dataclass(frozen=True)
class Samples:
    """Some windows, normalised: frames and ERA5 to mean 0 and variance 1 over the training storms.

    ERA5 pixel by pixel about the storm, so that its climatology is 0; frames as a whole.

    `valid` is the fraction of a pixel in which the ERA5 variable is defined (SST: sea).
    """

    history: HistoryFrames
    future: FutureFrames
    era5: Environment
    valid: Environment

    def __getitem__(self, part: slice) -> "Samples":
        """Some of the samples."""
        return Samples(self.history[part], self.future[part], self.era5[part], self.valid[part])

    def to(self, device: torch.device) -> "Samples":
        """The samples on `device`."""
        return Samples(
            self.history.to(device),
            self.future.to(device),
            self.era5.to(device),
            self.valid.to(device),
        )


@dataclass(frozen=True)
class Windows:
    """All windows in memory: frames are held once and shared by the windows that contain them.

    ERA5 is held in half precision, finer than the packing that most of it comes in.

    With `hindsight` their samples have ERA5 of the network's lead times too, after that of the
    history. Nothing that sees it makes a forecast; it shows what there would be to know.
    """

    frames: Float[Tensor, "frame y x"]
    era5: Float[Tensor, "frame variable y x"]
    valid: Float[Tensor, "frame variable y x"]
    climatology: Float[Tensor, "variable y x"]
    frame_index: np.ndarray  # (window, step)
    split: np.ndarray  # (window,)
    storm: np.ndarray  # (window,)
    init_time: np.ndarray  # (window,)
    variables: tuple[str, ...]
    history: int
    future: int
    lead_hours: tuple[int, ...]
    scales: Scales
    attributes: dict
    hindsight: bool = False

    @classmethod
    def read(cls, path: Path) -> "Windows":
        """Read windows.zarr, the output of `regrid`."""
        return cls.of(xr.open_zarr(path))

    @classmethod
    def of(cls, windows: xr.Dataset) -> "Windows":
        """Normalise `windows`, which is laid out as `regrid` writes it."""
        mean, std = float(windows.frame_mean), float(windows.frame_std)
        frames = (windows.brightness_temperature - mean) / std
        # A storm's own low is far larger than what surrounds it: pixel by pixel all counts alike.
        era5 = (windows.era5 - windows.era5_climatology) / windows.era5_spread
        era5 = era5.clip(-FARTHEST, FARTHEST)
        climatology = xr.zeros_like(windows.era5_climatology)
        steps = windows.step.values
        return cls(
            frames=_tensor(frames.transpose("frame", "y", "x")),
            era5=_tensor(era5.transpose("frame", "variable", "y", "x"), np.float16),
            valid=_tensor(windows.era5_valid.transpose("frame", "variable", "y", "x"), np.float16),
            climatology=_tensor(climatology.transpose("variable", "y", "x")),
            frame_index=windows.frame_index.values,
            split=np.array(windows.split.values.tolist()),
            storm=np.array(windows.window_storm.values.tolist()),
            init_time=windows.init_time.values,
            variables=tuple(str(name) for name in windows.variable.values),
            history=int(windows.attrs["history"]),
            future=int(windows.attrs["future"]),
            lead_hours=tuple(int(step) for step in steps if step > 0),
            scales=Scales(mean, std),
            attributes=dict(windows.attrs),
        )

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.frames.shape[-1]

    def select(self, split: str) -> np.ndarray:
        """The windows of `split` (train, validation or test)."""
        return np.flatnonzero(self.split == split)

    def spread(self, split: str, count: int) -> np.ndarray:
        """At most `count` windows of `split`, shared out evenly between its storms.

        Each storm gives the same number (where it has as many), evenly spaced in time: the
        middles of equal parts of its life, so that one window is its middle, not its start.
        """
        chosen: list[int] = []
        mine = self.split == split
        storms = sorted(set(self.storm[mine]))
        for position, storm in enumerate(storms):
            windows = np.flatnonzero(mine & (self.storm == storm))
            share = (count - len(chosen)) // (len(storms) - position)
            number = min(share, len(windows))
            middles = (np.arange(number) + 0.5) * len(windows) / max(1, number)
            chosen.extend(windows[middles.astype(int)])
        return np.array(chosen, dtype=int)

    def samples(self, windows: Sequence[int] | np.ndarray) -> Samples:
        """The samples of `windows`, in their order."""
        return self._of_frames(self.frame_index[np.asarray(windows, dtype=int)])

    def stretches(self, split: str) -> np.ndarray:
        """Every stretch of a history within the windows of `split`, as frames: (stretch, time).

        A window's future is a history, too, to whoever does not forecast: there are more stretches
        than windows.
        """
        length = self.history + (self.future if self.hindsight else 0)
        within = sliding_window_view(self.frame_index[self.split == split], length, axis=1)
        return np.unique(within.reshape(-1, length), axis=0)

    def known(self, stretches: np.ndarray) -> Samples:
        """What is known at the end of `stretches`: samples without a future."""
        samples = self._of_frames(stretches)
        return replace(samples, future=samples.future[:, :0])

    def _of_frames(self, frames: np.ndarray) -> Samples:
        index = torch.from_numpy(frames.astype(np.int64))
        past, later = index[:, : self.history], index[:, self.history :]
        known = index[:, : self.history + self.future] if self.hindsight else past
        return Samples(
            history=self.frames[past],
            future=self.frames[later],
            era5=self.era5[known].transpose(1, 2).float(),
            valid=self.valid[known].transpose(1, 2).float(),
        )


def _tensor(field: xr.DataArray, precision: type = np.float32) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(field.astype(precision).values))
