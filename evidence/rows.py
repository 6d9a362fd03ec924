"""What the tables of the evidence compare: which forecasts stand in them, and over which."""

from dataclasses import dataclass
from typing import NamedTuple

from nephele.evaluation.forecasts import CONTROL, SHUFFLED, STUDENT, TEACHER

HISTORY, ERA5 = "regression_history", "regression_era5"
UNSEEDED = (HISTORY, ERA5)  # regressions have nothing random
BOUND, PLAIN = "teacher_channels", "control_channels"  # plain U-Nets, with ERA5 and without
LONGER, LONGER_TEACHER = "control_longer", "teacher_longer"  # twice the steps
GAIN, SHARE = "gain", "share"  # of fair CRPS, K; of another gain


def gain_over(forecast: str) -> str:
    """The name of gains that are all over this forecast."""
    return f"{GAIN}_over_{forecast}"


class Row(NamedTuple):
    """A forecast, and the one over which its gain is given; none for a forecast to start from."""

    forecast: str
    label: str
    over: str | None = None


@dataclass(frozen=True)
class Comparison:
    """One table of means over lead times, and those by lead time of some of its columns.

    Where `beside` is given, gains over that forecast stand beside those over each row's own; where
    `whole` is, gains are also shares of the gain of that forecast.
    """

    name: str
    title: str
    text: str
    rows: tuple[Row, ...]
    by_lead: tuple[str, ...]
    beside: str | None = None
    whole: str | None = None
    share: str = ""


LADDER = Comparison(
    "ladder",
    "The ladder: what there is to know, and how much of it each network uses",
    "From the bottom: is there something to learn from ERA5, for a regression on a few summaries; "
    "for a plain U-Net with ERA5 as input channels, which is the bound; for the networks of this "
    "project. The regression's gain is over the regression without ERA5; what stands as their CRPS "
    "is the mean absolute error of a single forecast. All other gains are over the control; those "
    "over the plain U-Net without ERA5 stand beside them.",
    (
        Row(HISTORY, "regression on the clouds' past"),
        Row(ERA5, "regression, and ERA5", HISTORY),
        Row(CONTROL, "control: the student's network, no teacher"),
        Row(PLAIN, "plain U-Net without ERA5", CONTROL),
        Row(BOUND, "plain U-Net, ERA5 as channels: the bound", CONTROL),
        Row("teacher_hindsight", "teacher with hindsight: no forecast", CONTROL),
        Row(TEACHER, "teacher", CONTROL),
        Row(STUDENT, "student", CONTROL),
    ),
    by_lead=("crps", "rmse", GAIN, SHARE),
    beside=PLAIN,
    whole=BOUND,
    share="share of the bound",
)
LEDGER = Comparison(
    "ledger",
    "The ledger: what ERA5 gives the teacher, what the student keeps",
    "Gains are over the control, and beside them over the teacher; the share is that of the gap "
    "between control and teacher. A teacher that is given another storm's ERA5 shows that it uses "
    "ERA5, not what that is worth.",
    (
        Row(CONTROL, "control"),
        Row(TEACHER, "teacher", CONTROL),
        Row(SHUFFLED, "teacher, ERA5 of other storms", CONTROL),
        Row(STUDENT, "student", CONTROL),
    ),
    by_lead=(GAIN, SHARE),
    beside=TEACHER,
    whole=TEACHER,
    share="share of the gap that is closed",
)
LENGTH = Comparison(
    "length",
    "Length: the ledger at equal steps",
    "A student begins with its teacher's weights, so that with its teacher's it has had as many "
    "steps as the longer control and the longer teacher, which are trained twice as long. Gains "
    "are over the control of the same length, and beside them over the shorter control; the share "
    "is that of the gap between longer control and longer teacher.",
    (
        Row(CONTROL, "control"),
        Row(TEACHER, "teacher", CONTROL),
        Row(LONGER, "longer control"),
        Row(LONGER_TEACHER, "longer teacher", LONGER),
        Row(STUDENT, "student", LONGER),
    ),
    by_lead=(GAIN, gain_over(CONTROL), SHARE),
    beside=CONTROL,
    whole=LONGER_TEACHER,
    share="share of the gap that is closed",
)
ABLATIONS = Comparison(
    "ablations",
    "Ablations",
    "Gains are over the network from which a part is taken: below zero, the part is worth having.",
    (
        Row(TEACHER, "teacher"),
        Row("teacher_without_residual", "teacher, no residual around the attention", TEACHER),
        Row("teacher_without_causal", "teacher, no causal terms", TEACHER),
        Row("teacher_noise", "teacher that predicts the noise, not EDM", TEACHER),
        Row(STUDENT, "student"),
        Row("student_without_features", "student, no features", STUDENT),
        Row("student_without_distill", "student, no output distillation", STUDENT),
    ),
    by_lead=(GAIN,),
)
