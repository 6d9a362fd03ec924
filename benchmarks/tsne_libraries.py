"""How openTSNE and scikit-learn do on a teacher's features: trustworthiness and time.

    python benchmarks/tsne_libraries.py outputs/regrid/windows.zarr outputs/pretrain_teacher/teacher

Perplexity 30 on the first 50 principal components, as the pictures have it.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import openTSNE
from sklearn import manifold
from sklearn.decomposition import PCA

from nephele.evaluation.feature_tables import pooled_features
from nephele.forecasting import trained
from nephele.windows.tensors import Windows

PERPLEXITY = 30.0


def main(windows: Path, teacher: Path) -> None:
    data = Windows.read(windows)
    found = pooled_features(trained.load(teacher), data, data.spread("test", 72), sigma=0.7, seed=3)
    libraries = {
        "openTSNE": openTSNE.TSNE(
            perplexity=PERPLEXITY, negative_gradient_method="bh", neighbors="exact", random_state=0
        ).fit,
        "scikit-learn": manifold.TSNE(perplexity=PERPLEXITY, random_state=0).fit_transform,
    }
    for (kind, resolution), features in sorted(found.items()):
        points = features.transpose(1, 0, 2).reshape(-1, features.shape[-1])
        reduced = PCA(50, svd_solver="full").fit_transform(points)
        for name, fit in libraries.items():
            start = time.perf_counter()
            places = np.asarray(fit(reduced))
            seconds = time.perf_counter() - start
            trust = manifold.trustworthiness(reduced, places, n_neighbors=10)
            print(f"{kind} {resolution}, {name}: {trust:.3f}, {seconds:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("windows", type=Path)
    parser.add_argument("teacher", type=Path)
    main(**vars(parser.parse_args()))
