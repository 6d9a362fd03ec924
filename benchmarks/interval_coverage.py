"""How often 95 % bootstrap intervals of a mean over storms hold the truth.

    python benchmarks/interval_coverage.py

The storms' figures are drawn from a normal distribution with mean zero; 4000 draws for each
number of storms. "expanded" is `nephele.evaluation.bootstrap.interval`.
"""

import numpy as np

from nephele.evaluation import bootstrap

DRAWS = 4000


def main() -> None:
    generator = np.random.default_rng(0)
    for storms in (5, 18):
        weights = bootstrap.storm_weights(np.arange(storms), 1000, seed=1)
        means = weights @ generator.standard_normal((storms, DRAWS)) / storms
        plain = np.percentile(means, (2.5, 97.5), axis=0)
        expanded = bootstrap.interval(means, storms)
        for name, (low, high) in (("plain", plain), ("expanded", expanded)):
            held = float(np.mean((low < 0) & (high > 0)))
            print(f"{storms} storms, {name} percentiles: {100 * held:.1f} %")


if __name__ == "__main__":
    main()
