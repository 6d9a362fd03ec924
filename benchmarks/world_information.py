"""How much ERA5 tells about the synthetic world's clouds that their own past does not.

    python benchmarks/world_information.py [--storms 72] [--seed 7]

The first rung of the ladder: ridge regressions of future frames on summaries of the four history
frames, without and with summaries of ERA5 at the same four times, fitted on three quarters of the
storms and scored on the others. Above them what the equations of the world say is knowable.
"""

import argparse
from itertools import pairwise

import numpy as np
import xarray as xr

from nephele.fields import grid
from nephele.world import clouds
from nephele.world.drivers import DRIVERS, STEP_HOURS, explained
from nephele.world.environment import environment
from nephele.world.simulation import simulate
from nephele.world.statistics import coarsened

HISTORY, LEADS, FRAMES = 4, 8, 24
RINGS_KM = (0, 150, 300, 450, 600, 800, 1000, 1300)
BLOCK = 16  # cells of 20 km a side in the coarse frames that are predicted whole
PENALTIES = 10.0 ** np.arange(0, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--storms", type=int, default=72)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    print_knowable()
    pairs = [_storm(arguments.seed, number) for number in range(1, arguments.storms + 1)]
    frames, scenes = (np.stack(part) for part in zip(*pairs, strict=True))
    print_regressions(frames, scenes)


def print_knowable() -> None:
    """Per variable and lead: share of its response that can be known, from the equations."""
    print("share of the response's variance that can be known, in closed form")
    print("lead (h)            " + "".join(f"{3 * lead:6d}" for lead in range(1, LEADS + 1)))
    for name, driver in DRIVERS.items():
        for label, known, noise in (
            ("history", False, 0.3),
            ("history, exact", False, 0.0),
            ("+ ERA5", True, 0.3),
        ):
            shares = [
                explained(driver, lead, HISTORY, known, noise) for lead in range(1, LEADS + 1)
            ]
            print(f"{name:4s} {label:15s}" + "".join(f"{share:6.2f}" for share in shares))


def print_regressions(frames: np.ndarray, scenes: np.ndarray) -> None:
    """R2 and RMSE on held-out storms, of frames (storm, time, y, x) and scenes (storm, time, n)."""
    train = np.arange(len(frames)) % 4 != 0
    past = _standardised(_past(frames, train), train)
    both = np.concatenate([past, _standardised(_windows(scenes), train)], axis=2)
    coarse = coarsened(frames, BLOCK)
    print("\nregression on held-out storms: h = history alone, e = with ERA5")
    print("         frame mean: R2    unexplained    rings: R2      RMSE of pixels (K)")
    print("lead (h)     h     e       e / h          h     e     persist.    h      e    gain")
    for lead in range(1, LEADS + 1):
        mean = _scores(past, both, _future(frames.mean((2, 3))[..., None], lead), train)
        ring = _scores(past, both, _future(_rings(frames), lead), train)
        errors = _pixel_errors(past, both, coarse, frames, lead, train)
        gain = 100 * (1 - errors[2] / errors[1])
        left = (1 - mean[1]) / (1 - mean[0])
        print(
            f"{3 * lead:5d}    {mean[0]:5.2f} {mean[1]:5.2f}    {left:6.2f}"
            f"       {ring[0]:5.2f} {ring[1]:5.2f}     "
            + "  ".join(f"{error:5.1f}" for error in errors)
            + f"  {gain:4.1f} %"
        )


def _storm(seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames at 20 km (time, y, x), and ERA5 summaries of the scene (time, n)."""
    storm = simulate(seed, number, FRAMES)
    fields = environment(storm, seed, number)
    return coarsened(storm["brightness_temperature"].values, 2), _scene(storm, fields)


def _scene(storm: xr.Dataset, fields: xr.Dataset) -> np.ndarray:
    """Mean and north-south slope of each variable over the frame, as any reader of ERA5 sees it."""
    rows = []
    half = clouds.SIZE * clouds.CELL / 2
    for now in range(storm.sizes["time"]):
        east, north = grid.to_plane(
            fields["latitude"].values[:, None],
            fields["longitude"].values[None, :],
            storm["centre_latitude"].values[now],
            storm["centre_longitude"].values[now],
        )
        inside = (np.abs(east) < half) & (np.abs(north) < half)
        row = []
        for name in DRIVERS:
            values = fields[name].values[now]
            seen = inside & np.isfinite(values)
            row += [values[seen].mean(), np.polyfit(north[seen], values[seen], 1)[0]]
        rows.append(row)
    return np.array(rows)


def _windows(values: np.ndarray) -> np.ndarray:
    """The history of every window, (storm, time, n) to (storm, window, 4 n)."""
    count = FRAMES - HISTORY - LEADS + 1
    return np.concatenate([values[:, k : k + count] for k in range(HISTORY)], axis=2)


def _future(values: np.ndarray, lead: int) -> np.ndarray:
    count = FRAMES - HISTORY - LEADS + 1
    first = HISTORY - 1 + lead
    return values[:, first : first + count]


def _past(frames: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Mean, ring means, cold shares and leading principal components of the history frames."""
    small = coarsened(frames, BLOCK).reshape(*frames.shape[:2], -1)
    middle = small[train].mean((0, 1))
    _, _, components = np.linalg.svd((small[train] - middle).reshape(-1, small.shape[2]), False)
    scores = (small - middle) @ components[:15].T
    cold = np.stack([(frames < limit).mean((2, 3)) for limit in (220, 235, 253, 280)], axis=2)
    return _windows(np.concatenate([_rings(frames), cold, scores], axis=2))


def _rings(frames: np.ndarray) -> np.ndarray:
    axis = grid.centres(frames.shape[-1], 20.0)
    radius = np.hypot(axis[:, None], axis)
    return np.stack(
        [
            frames[..., (radius >= low) & (radius < high)].mean(2)
            for low, high in pairwise(RINGS_KM)
        ],
        axis=2,
    )


def _standardised(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    return (values - values[train].mean((0, 1))) / (values[train].std((0, 1)) + 1e-9)


def _predict(known: np.ndarray, target: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Ridge regression, its penalty chosen on a quarter of the training storms."""
    chosen = np.flatnonzero(train)
    inner = np.isin(np.arange(len(train)), chosen[np.arange(len(chosen)) % 4 != 0])
    outer = train & ~inner
    errors = [
        np.mean((_ridge(known, target, inner, penalty)[outer] - target[outer]) ** 2)
        for penalty in PENALTIES
    ]
    return _ridge(known, target, train, PENALTIES[int(np.argmin(errors))])


def _ridge(known: np.ndarray, target: np.ndarray, fit: np.ndarray, penalty: float) -> np.ndarray:
    x, y = known[fit].reshape(-1, known.shape[2]), target[fit].reshape(-1, target.shape[2])
    middle = y.mean(0)
    weights = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (y - middle))
    return known @ weights + middle


def _scores(past: np.ndarray, both: np.ndarray, target: np.ndarray, train: np.ndarray) -> list:
    """R2 over all columns of the target, without and with ERA5."""
    test = ~train
    spread = ((target[test] - target[train].mean((0, 1))) ** 2).sum()
    return [
        1 - ((_predict(known, target, train)[test] - target[test]) ** 2).sum() / spread
        for known in (past, both)
    ]


def _pixel_errors(
    past: np.ndarray,
    both: np.ndarray,
    coarse: np.ndarray,
    frames: np.ndarray,
    lead: int,
    train: np.ndarray,
) -> list[float]:
    """RMSE at 20 km of persistence, and of the coarse frame predicted without and with ERA5."""
    test = ~train
    truth = _future(frames, lead)[test]
    target = _future(coarse, lead)
    flat = target.reshape(*target.shape[:2], -1)
    errors = [_future(frames, 0)[test] - truth]
    for known in (past, both):
        guess = _predict(known, flat, train)[test].reshape(target[test].shape)
        errors.append(np.kron(guess, np.ones((BLOCK, BLOCK), guess.dtype)) - truth)
    return [float(np.sqrt(np.mean(error**2))) for error in errors]


if __name__ == "__main__":
    assert STEP_HOURS == 3
    main()
