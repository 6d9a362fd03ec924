"""How often the intervals of alignment give a verdict, deserved and not, and how wide they are.

    python benchmarks/alignment_intervals.py

Teacher, student and control have 12 features of 4 samples of 18 storms, half of the variance by
storm. The control's are the teacher's and noise of the same kind and size; the student's noise has
the same size ("equal") or 0.6 of it ("better"). 400 draws.
"""

import numpy as np

from nephele.evaluation.alignment import Pairs, judged, measures

DRAWS, STORMS, EACH, FEATURES = 400, 18, 4, 12


def main() -> None:
    generator = np.random.default_rng(0)
    storms = np.repeat(np.arange(STORMS), EACH)

    def draw() -> np.ndarray:
        common = generator.standard_normal((STORMS, FEATURES))[storms]
        return common + generator.standard_normal((len(storms), FEATURES))

    found: dict[str, list] = {name: [] for name in measures(10)}
    for _ in range(DRAWS):
        teacher = draw()
        control, equal, better = (
            Pairs(teacher + size * draw(), storms[:, None]) for size in (1.0, 1.0, 0.6)
        )
        for name, measure in measures(10).items():
            found[name].append(
                [judged(measure, teacher, one, {"control": [control]}) for one in (equal, better)]
            )
    for name, pairs in found.items():
        alike = [one for one, _ in pairs]
        error = np.std([one.difference for one in alike])
        # From the middle to an end is Student's 2.11 standard errors, of 17 degrees of freedom.
        said = np.sqrt(np.mean([((one.high - one.low) / 4.22) ** 2 for one in alike]))
        wrong, right = (
            100 * np.mean([one.rejected for one in which]) for which in zip(*pairs, strict=True)
        )
        print(
            f"{name}: verdict {wrong:.1f} % where equal, {right:.0f} % where better; "
            f"standard error {said / error:.2f} times the true one"
        )


if __name__ == "__main__":
    main()
