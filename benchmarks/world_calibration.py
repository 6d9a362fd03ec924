"""Synthetic frames beside real ones: a table of statistics, and a picture.

    python benchmarks/world_calibration.py ARCHIVE [--storm 200717] [--storms 24] [--seed 7]

ARCHIVE is a folder with digital_typhoon/image/<storm>/, as docs/data.md says. The picture goes
to docs/pictures/calibration.png.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import h5py
import matplotlib.pyplot as plt
import numpy as np

from nephele.pictures.palette import infrared, scale
from nephele.world import statistics
from nephele.world.simulation import simulate

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "calibration.png"
HOURS = (3, 6, 9, 12, 15, 24)
SHOWN = 6
SYNTHETIC_LABEL = "SYNTHETIC"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--storm", default="200717")
    parser.add_argument("--storms", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    real = real_frames(arguments.archive / "digital_typhoon" / "image" / arguments.storm)
    synthetic = [
        statistics.coarsened(
            simulate(arguments.seed, number, 24)["brightness_temperature"].values, 2
        )
        for number in range(1, arguments.storms + 1)
    ]
    real_figures = figures([real], {hours: hours for hours in HOURS})  # hourly
    synthetic_figures = figures(synthetic, {hours: hours // 3 for hours in HOURS})
    print_table(real_figures, synthetic_figures)
    draw(real, synthetic, real_figures, synthetic_figures, arguments.storm)


def real_frames(folder: Path) -> np.ndarray:
    """The hourly frames of a storm without gaps, 4 x 4 means, K, northward, (time, 128, 128)."""
    files = sorted(folder.glob("*.h5"))
    if not files:
        raise SystemExit(f"no *.h5 in {folder}; expected the frames of a storm")
    frames = []
    for path in files:
        with h5py.File(path) as opened:
            frames.append(statistics.coarsened(opened["infrared"][:][::-1].astype(np.float32), 4))
    return np.stack(frames)


def figures(storms: list[np.ndarray], steps: dict[int, int]) -> dict:
    frames = np.concatenate(storms)
    return {
        **statistics.distribution(frames),
        "ring": statistics.radial_means(frames, 20.0),
        "spectral slope": statistics.spectral_slope(frames),
        **statistics.persistence(storms, steps),
    }


def print_table(real: dict, synthetic: dict) -> None:
    print(f"{'':34s}{'real':>9s}{'synthetic':>11s}")
    for name, value in real.items():
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for key, figure in pairs:
            other = synthetic[name][key] if isinstance(value, dict) else synthetic[name]
            print(f"{name + ' ' + str(key):34s}{figure:9.3f}{other:11.3f}")


def draw(
    real: np.ndarray,
    synthetic: list[np.ndarray],
    real_figures: dict,
    synthetic_figures: dict,
    storm: str,
) -> None:
    """Frames above, curves below."""
    figure = plt.figure(figsize=(13, 9.5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[2.0, 1.15])
    panels = above.subplots(3, SHOWN)
    rows = (
        (f"real\n{storm}\nevery 15 h", real[15::15][:SHOWN]),
        (f"{SYNTHETIC_LABEL}\none storm\nevery 9 h", synthetic[3][2::3][:SHOWN]),
        (f"{SYNTHETIC_LABEL}\n{SHOWN} storms", [frames[12] for frames in synthetic[4:][:SHOWN]]),
    )
    for row, (label, frames) in zip(panels, rows, strict=True):
        row[0].set_ylabel(label)
        for panel, frame in zip(row, frames, strict=False):
            image = panel.imshow(frame, origin="lower", cmap=infrared(), norm=scale())
        for panel in row:
            panel.set(xticks=[], yticks=[])
    above.colorbar(image, ax=panels, label="brightness temperature (K)", shrink=0.7)
    sources = (
        ("real", real, real_figures, "#1f1f1f"),
        (SYNTHETIC_LABEL, np.concatenate(synthetic), synthetic_figures, "#ad2a62"),
    )
    _curves(below.subplots(1, 4), sources)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=72)


def _curves(panels: np.ndarray, sources: tuple) -> None:
    distribution, radial, spectra, lags = panels
    for label, frames, found, colour in sources:
        share, edges = np.histogram(frames, np.arange(190, 306, 2.5), density=True)
        distribution.plot(edges[:-1] + 1.25, share, color=colour, label=label)
        rings = tuple((inner, inner + 50) for inner in range(0, 1250, 50))
        profile = statistics.radial_means(frames, 20.0, rings)
        radial.plot([inner + 25 for inner in range(0, 1250, 50)], profile.values(), color=colour)
        spectra.loglog(*statistics.spectrum(frames), color=colour)
        lags.plot(HOURS, list(found["persistence"].values()), "o-", color=colour)
    distribution.set(xlabel="brightness temperature (K)", ylabel="density (1/K)")
    distribution.legend(frameon=False)
    radial.set(xlabel="distance from the centre (km)", ylabel="mean (K)")
    spectra.set(xlabel="waves a frame (2560 km)", ylabel="power density")
    lags.set(xlabel="lag (h)", ylabel="RMSE of persistence (K)", ylim=(0, None))
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
