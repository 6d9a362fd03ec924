"""What a single image looks like: similarity, cold cloud in a neighbourhood, power by scale.

Everything here takes brightness temperatures in K on a square grid, axes (y, x) last.
"""

from itertools import pairwise

import numpy as np
from scipy import fft, ndimage
from skimage.metrics import structural_similarity

# The dynamic range that SSIM's constants refer to: 180 K, the coldest tops, to 310 K.
SSIM_RANGE = 130.0
SSIM_MEMBERS = 2  # members are alike; more of them would only take more time
# Pixels a side of the neighbourhood of the fractions: 100 km on a grid of 20 km.
NEIGHBOURHOOD = 5
# km; wavelengths between which power is summed up: single towers, their clusters, rain bands and
# the whole storm, its surroundings.
BANDS = (100, 300, 1000)


def ssim(forecast: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity of two images (Wang et al. 2004, IEEE Trans. Image Process. 13).

    With the Gaussian weights of the paper (sigma 1.5) and `SSIM_RANGE` K as the data range.
    """
    return float(
        structural_similarity(
            forecast,
            truth,
            data_range=SSIM_RANGE,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def ensemble_ssim(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """SSIM of single members, averaged over the first `SSIM_MEMBERS`.

    Members and not their mean: a member is what a forecast looks like, the mean is blurred.

    Args:
        forecast: (member, lead, y, x).
        truth: (lead, y, x).

    Returns:
        (lead,).
    """
    shown = forecast[:SSIM_MEMBERS]
    return np.array(
        [np.mean([ssim(member[k], truth[k]) for member in shown]) for k in range(len(truth))]
    )


def cold_fractions(images: np.ndarray, threshold: float) -> np.ndarray:
    """Share of pixels colder than `threshold` in the square around each pixel.

    Only neighbourhoods that lie in the image: (…, y, x) → (…, y − n + 1, x − n + 1).
    """
    cold = (images < threshold).astype(np.float64)
    size = (1,) * (images.ndim - 2) + (NEIGHBOURHOOD, NEIGHBOURHOOD)
    shares = ndimage.uniform_filter(cold, size=size, mode="constant")
    before, after = NEIGHBOURHOOD // 2, (NEIGHBOURHOOD - 1) // 2
    inside = slice(before, -after or None)
    return shares[..., inside, inside]


def fss_parts(
    forecast: np.ndarray, truth: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of the fractions skill score of cold cloud, by lead time.

    FSS = 1 − Σ(P − O)² / Σ(P² + O²) (Roberts and Lean 2008, doi:10.1175/2007MWR2123.1). The
    sums run over pixels here and over windows later, so a window without cold cloud does no
    harm. P is the mean of the members' fractions, the neighbourhood ensemble probability
    (Schwartz et al. 2010, doi:10.1175/2009WAF2222267.1), which `scores.spatial` does not know.

    Args:
        forecast: (member, lead, y, x).
        truth: (lead, y, x).
    """
    probability = cold_fractions(forecast, threshold).mean(axis=0)
    observed = cold_fractions(truth, threshold)
    wrong = ((probability - observed) ** 2).mean(axis=(-2, -1))
    worst = (probability**2 + observed**2).mean(axis=(-2, -1))
    return wrong, worst


def wavenumbers(size: int) -> np.ndarray:
    """The rings of `power_by_scale`: waves in the domain, 1 … size / 2."""
    return np.arange(1, size // 2 + 1)


def power_by_scale(images: np.ndarray) -> np.ndarray:
    """Radially averaged power spectral density: mean power of the modes in each ring.

    The image's mean is removed, and a Hann window (of mean square 1) damps the jump
    at the edges, which would otherwise hide steep spectra. The power of all modes together
    is the windowed image's variance.

    Args:
        images: K, (…, size, size).

    Returns:
        K² a mode, (…, ring), for the rings of `wavenumbers`.
    """
    size = images.shape[-1]
    taper = np.outer(np.hanning(size + 1)[:-1], np.hanning(size + 1)[:-1])
    taper /= np.sqrt((taper**2).mean())
    anomalies = images - images.mean(axis=(-2, -1), keepdims=True)
    power = np.abs(fft.fft2(anomalies * taper, norm="forward")) ** 2

    ring = _rings(size)
    flat = power.reshape(-1, size * size)
    sums = np.array([np.bincount(ring, weights=row) for row in flat])
    chosen = wavenumbers(size)
    return (sums[:, chosen] / modes(size)).reshape(*images.shape[:-2], len(chosen))


def modes(size: int) -> np.ndarray:
    """How many modes each ring of `wavenumbers` has."""
    return np.bincount(_rings(size))[wavenumbers(size)]


def bands(size: int, cell_km: float) -> dict[str, np.ndarray]:
    """The rings of `wavenumbers` whose waves have a length in each band: name → (ring,) of bool.

    Bands without a ring, which the grid or the domain is too small for, are left out.
    """
    length = size * cell_km / wavenumbers(size)  # km
    ends = (0.0, *BANDS, np.inf)
    names = (
        f"below_{BANDS[0]}_km",
        *(f"{low}_to_{high}_km" for low, high in pairwise(BANDS)),
        f"above_{BANDS[-1]}_km",
    )
    inside = {
        name: (low <= length) & (length < high)
        for name, (low, high) in zip(names, pairwise(ends), strict=True)
    }
    return {name: rings for name, rings in inside.items() if rings.any()}


def power_in(spectrum: np.ndarray, rings: np.ndarray) -> np.ndarray:
    """Power of all modes in the chosen rings together, K².

    Args:
        spectrum: of `power_by_scale`, (…, ring).
        rings: a band of `bands`.
    """
    return (spectrum * modes(2 * len(rings)))[..., rings].sum(axis=-1)


def _rings(size: int) -> np.ndarray:
    """The ring of each mode of `fft2`: its waves in the domain, rounded, (size · size,)."""
    wave = fft.fftfreq(size, 1 / size)
    return np.rint(np.hypot(wave[:, None], wave[None, :])).astype(int).ravel()
