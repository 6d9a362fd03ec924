"""The sections of params.yaml, with types. The file has no other meaning."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from nephele import typed
from nephele.acquisition import AcquireParams, SyntheticParams as SyntheticParams
from nephele.cluster import KubeflowParams
from nephele.typed import STRICT

Params = TypeVar("Params")
Share = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Precision = Literal["auto", "bf16", "fp32"]


@dataclass(frozen=True, config=STRICT)
class RegridParams:
    size: PositiveInt
    cell_km: PositiveFloat
    spacing_hours: PositiveInt
    history: Annotated[int, Field(ge=2)]  # the baselines take the change between two frames
    future: PositiveInt
    rollout: PositiveInt
    split_by: Literal["storm", "time"]
    gap_hours: PositiveInt
    validation_share: Share
    test_share: Share
    placebo: str | None
    scheduler: str | None
    seed: int

    def __post_init__(self) -> None:
        if self.future > self.rollout:
            raise ValueError(
                f"future = {self.future}, expected at most regrid.rollout = {self.rollout}; "
                "raise the roll-out"
            )
        if self.validation_share + self.test_share >= 1:
            raise ValueError(
                f"validation_share = {self.validation_share} and test_share = {self.test_share} "
                "leave nothing to train on, expected a sum below 1; lower one of them"
            )


@dataclass(frozen=True, config=STRICT)
class NetworkParams:
    patch: PositiveInt
    channels: PositiveInt
    multipliers: Annotated[list[PositiveInt], Field(min_length=1)]
    blocks: PositiveInt
    dropout: Share
    resampling: Literal["nearest", "fir"]
    self_attention_head: PositiveInt
    attention_keys: PositiveInt
    temporal_channels: PositiveInt
    temporal_heads: PositiveInt
    encoder_channels: Annotated[list[PositiveInt], Field(min_length=3, max_length=3)]
    cross_heads: PositiveInt
    cross_head_channels: PositiveInt
    era5: Literal["attention", "channels"]
    attention_residual: bool
    causal_share: Annotated[float, Field(gt=0, lt=1)]
    projection: PositiveInt

    def __post_init__(self) -> None:
        # Only the two smallest maps have self-attention.
        for width in (self.channels * factor for factor in self.multipliers[-2:]):
            heads = max(1, width // self.self_attention_head)
            if width % heads:
                raise ValueError(
                    f"self_attention_head = {self.self_attention_head} parts {width} channels "
                    f"into {heads} heads, expected a divisor of channels x multipliers"
                )
        channels, heads = self.temporal_channels, self.temporal_heads
        if channels % heads:
            raise ValueError(
                f"temporal_channels = {channels}, expected a multiple of temporal_heads = {heads}"
            )


@dataclass(frozen=True, config=STRICT)
class OptimisationParams:
    learning_rate: PositiveFloat
    weight_decay: Weight
    warmup: Count
    clip: PositiveFloat
    average: Share
    precision: Precision
    accumulate: PositiveInt
    recompute: bool
    compile: bool


@dataclass(frozen=True, config=STRICT)
class NoiseParams:
    mean: float
    deviation: PositiveFloat
    smallest: PositiveFloat
    largest: PositiveFloat
    white: Annotated[float, Field(ge=0, le=1)]

    def __post_init__(self) -> None:
        low, high = self.smallest, self.largest
        if low >= high:
            raise ValueError(f"smallest = {low}, expected less than largest = {high}")


@dataclass(frozen=True, config=STRICT)
class CausalWeights:
    causal: Weight
    prediction: Weight
    conditional_mutual_information: Weight
    hinge: Weight
    balance: PositiveFloat
    ramp: Share


@dataclass(frozen=True, config=STRICT)
class StudentWeights(CausalWeights):
    distill: Weight
    features: Weight


@dataclass(frozen=True, config=STRICT)
class SamplingParams:
    sampler: Literal["dpm-solver++", "euler", "ddim", "ddpm"]
    steps: Annotated[list[PositiveInt], Field(min_length=1)]
    windows: PositiveInt
    members: Annotated[int, Field(ge=2)]

    def __post_init__(self) -> None:
        if self.sampler in ("ddim", "ddpm") and max(self.steps) > 1000:
            raise ValueError(
                f"steps = {self.steps}, expected at most the 1000 of the schedule of {self.sampler}"
            )


@dataclass(frozen=True, config=STRICT)
class TrainingParams:
    """What the teacher's and the student's training have in common."""

    seed: int
    steps: PositiveInt
    batch_size: Annotated[int, Field(ge=2)]
    optimisation: OptimisationParams
    log_every: PositiveInt
    shares_every: PositiveInt
    picture_every: PositiveInt
    checkpoint_every: PositiveInt
    sampling: SamplingParams


@dataclass(frozen=True, config=STRICT)
class TeacherParams(TrainingParams):
    network: NetworkParams
    hindsight: bool
    prediction: Literal["edm", "noise"]
    noise: NoiseParams
    weights: CausalWeights

    def __post_init__(self) -> None:
        if self.network.era5 == "channels" and self.weights.causal:
            raise ValueError(
                f"weights.causal = {self.weights.causal}, expected 0 with network.era5 = channels: "
                "a network without causal parts"
            )


@dataclass(frozen=True, config=STRICT)
class HintParams:
    steps: Count
    batch_size: PositiveInt
    learning_rate: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class FewStepParams:
    evaluations: list[PositiveInt]
    steps: PositiveInt
    learning_rate: PositiveFloat


@dataclass(frozen=True, config=STRICT)
class StudentParams(TrainingParams):
    take_over: bool
    hints: HintParams
    few_steps: FewStepParams
    weights: StudentWeights


@dataclass(frozen=True, config=STRICT)
class CausalMatrixParams:
    seed: int
    windows: PositiveInt
    members: PositiveInt
    resamples: PositiveInt


@dataclass(frozen=True, config=STRICT)
class TsneParams:
    seed: int
    windows: Annotated[int, Field(ge=8)]
    sigma: PositiveFloat
    perplexity: PositiveFloat
    neighbours: PositiveInt
    probe_windows: PositiveInt
    resamples: PositiveInt

    def __post_init__(self) -> None:
        if self.windows <= self.neighbours + 1:
            raise ValueError(
                f"windows = {self.windows} do not have neighbours = {self.neighbours} each, "
                f"expected at least {self.neighbours + 2}; raise windows or lower neighbours"
            )


@dataclass(frozen=True, config=STRICT)
class VerifyParams:
    seed: int
    windows: PositiveInt
    members: Annotated[int, Field(ge=2)]
    resamples: PositiveInt
    examples: PositiveInt

    def __post_init__(self) -> None:
        if self.examples > self.windows:
            raise ValueError(
                f"examples = {self.examples}, expected at most verify.windows = {self.windows}"
            )


@dataclass(frozen=True, config=STRICT)
class ReportParams:
    forecasts: PositiveInt


# The stages, in their order, and the type of each one's section.
SECTIONS: dict[str, type] = {
    "acquire": AcquireParams,
    "regrid": RegridParams,
    "pretrain_teacher": TeacherParams,
    "distill_student": StudentParams,
    "export_causal_matrix": CausalMatrixParams,
    "evaluate_tsne": TsneParams,
    "verify": VerifyParams,
    "report": ReportParams,
}
KUBEFLOW = "kubeflow"  # of interest to the cluster, not to a stage
DOWNLOAD = "download"  # of interest to the command that fetches archives, which checks it


def read(source: str, section: str, kind: type[Params], changes: Iterable[str] = ()) -> Params:
    """Read one stage's parameters.

    `source` is the path of a params.yaml, as DVC passes it, or the section
    itself as JSON, as Kubeflow passes it (which turns whole numbers to floats;
    `kind` turns them back). Of a file all sections are checked, so that the first
    stage finds what would stop the last.

    Args:
        changes: to the section, each as `network.channels=64`, the value as YAML has it.

    Raises:
        ValueError: what is misspelt, missing or out of range, each by its name.
    """
    if source.startswith("{"):
        values, name = {section: json.loads(source)}, ""
    else:
        values, name = typed.load(source), source
        check(values, name)
    for change in changes:
        values = _changed(values, section, change)
        name = ""  # what is wrong now does not stand in the file
    return typed.sections(values, {section: kind}, name)[section]


def _changed(values: Mapping, section: str, change: str) -> dict:
    """The sections `values` with one `change` to that of a stage."""
    key, equals, text = change.partition("=")
    if not (key and equals):
        raise ValueError(f"--set {change}: expected parameter=value, such as seed=1")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f"--set {change}: {text!r} is not a value in YAML") from None

    def put(within: object, path: list[str]) -> dict:
        first, *rest = path
        if not isinstance(within, Mapping) or first not in within:
            there = ", ".join(within) if isinstance(within, Mapping) else "nothing below"
            raise ValueError(f"--set {change}: no {first!r} in {section}, expected {there}")
        return {**within, first: put(within[first], rest) if rest else value}

    return put(values, [section, *key.split(".")])


def check(sections: Mapping[str, object], name: str) -> None:
    """Check all sections of the file `name`, each for itself and with each other.

    Raises:
        ValueError: as `read`; or a section is missing or unknown.
    """
    kinds = SECTIONS | {KUBEFLOW: KubeflowParams}
    for section in sections.keys() - kinds.keys() - {DOWNLOAD}:
        raise ValueError(f"{name} has a section {section!r}; expected {', '.join(kinds)}")
    if faults := [*_together(**typed.sections(sections, kinds, name))]:
        raise ValueError(f"{name}: " + "; ".join(faults))


def _together(
    acquire: AcquireParams,
    regrid: RegridParams,
    pretrain_teacher: TeacherParams,
    distill_student: StudentParams,
    kubeflow: KubeflowParams,
    **_: object,
) -> Iterator[str]:
    """What is wrong between sections that are right in themselves."""
    network, white = pretrain_teacher.network, pretrain_teacher.noise.white
    stages = {"pretrain_teacher": pretrain_teacher, "distill_student": distill_student}
    for name, stage in stages.items():
        if stage.sampling.sampler == "ddpm" and pretrain_teacher.prediction == "edm" and white < 1:
            yield (
                f"{name}.sampling.sampler = ddpm adds white noise, but {white} of the training "
                "noise is white; expected dpm-solver++ or ddim, or pretrain_teacher.noise.white: 1"
            )
    # Teachers to compare with: later stages look at attention, and at forecasts without hindsight.
    if network.era5 != "attention":
        yield (
            f"pretrain_teacher.network.era5 = {network.era5}, expected attention; to train such a "
            f"network alone, say --set network.era5={network.era5} (docs/evidence.md)"
        )
    if pretrain_teacher.hindsight:
        yield (
            "pretrain_teacher.hindsight = True, expected false: what sees the future is no "
            "forecast; to train it alone, say --set hindsight=true (docs/evidence.md)"
        )
    for name in kubeflow.stages.keys() - SECTIONS.keys():
        yield f"kubeflow.stages.{name} is no stage, expected one of {', '.join(SECTIONS)}"
    if regrid.placebo is not None and regrid.placebo not in acquire.variables:
        yield (
            f"regrid.placebo = {regrid.placebo!r}, expected one of acquire.variables "
            f"({', '.join(acquire.variables)}), or null; a variable that is no longer acquired "
            "cannot be the placebo either"
        )
    levels = len(network.multipliers)
    if levels < 2 or network.patch * 2 ** (levels - 1) != 8:
        yield (
            f"pretrain_teacher.network.patch = {network.patch} with {levels} multipliers, expected "
            "1, 2 or 4 with 4, 3 or 2 multipliers"
        )
    elif regrid.size % (8 * network.patch):
        yield f"regrid.size = {regrid.size}, expected a multiple of {8 * network.patch} (8 x patch)"
