"""The sections of params.yaml, with types. The file has no other meaning."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from nephele import typed
from nephele.cluster import KubeflowParams
from nephele.typed import STRICT

Params = TypeVar("Params")
Share = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class SyntheticParams:
    seed: int
    storms: Annotated[int, Field(ge=3)]
    frames: PositiveInt


@dataclass(frozen=True, config=STRICT)
class DigitalTyphoonParams:
    archive: str | None
    environment: Literal["analysis", "climatology"]
    max_fill: Share


@dataclass(frozen=True, config=STRICT)
class AcquireParams:
    source: Literal["synthetic", "digital_typhoon"]
    variables: dict[str, int | None]
    synthetic: SyntheticParams
    digital_typhoon: DigitalTyphoonParams


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
    precision: Literal["bf16", "fp32"]


@dataclass(frozen=True, config=STRICT)
class NoiseParams:
    mean: float
    deviation: PositiveFloat
    smallest: PositiveFloat
    largest: PositiveFloat
    red: Share

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
    sampler: Literal["dpm-solver++", "ddim", "ddpm"]
    steps: Annotated[list[PositiveInt], Field(min_length=1)]
    windows: PositiveInt
    members: Annotated[int, Field(ge=2)]

    def __post_init__(self) -> None:
        if self.sampler != "dpm-solver++" and max(self.steps) > 1000:
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
    prediction: Literal["edm", "noise"]
    noise: NoiseParams
    weights: CausalWeights


@dataclass(frozen=True, config=STRICT)
class StudentParams(TrainingParams):
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


def read(source: str, section: str, kind: type[Params]) -> Params:
    """Read one stage's parameters.

    `source` is the path of a params.yaml, as DVC passes it, or the section
    itself as JSON, as Kubeflow passes it (which turns whole numbers to floats;
    `kind` turns them back). Of a file all sections are checked, so that the first
    stage finds what would stop the last.

    Raises:
        ValueError: what is misspelt, missing or out of range, each by its name.
    """
    if source.startswith("{"):
        return typed.sections({section: json.loads(source)}, {section: kind})[section]
    values = typed.load(source)
    check(values, source)
    return typed.sections(values, {section: kind}, source)[section]


def check(sections: Mapping[str, object], name: str) -> None:
    """Check all sections of the file `name`, each for itself and with each other.

    Raises:
        ValueError: as `read`; or a section is missing or unknown.
    """
    kinds = SECTIONS | {KUBEFLOW: KubeflowParams}
    for section in sections.keys() - kinds.keys():
        raise ValueError(f"{name} has a section {section!r}; expected {', '.join(kinds)}")
    if faults := [*_together(**typed.sections(sections, kinds, name))]:
        raise ValueError(f"{name}: " + "; ".join(faults))


def _together(
    regrid: RegridParams,
    pretrain_teacher: TeacherParams,
    distill_student: StudentParams,
    kubeflow: KubeflowParams,
    **_: object,
) -> Iterator[str]:
    """What is wrong between sections that are right in themselves."""
    network, red = pretrain_teacher.network, pretrain_teacher.noise.red
    stages = {"pretrain_teacher": pretrain_teacher, "distill_student": distill_student}
    for name, stage in stages.items():
        if stage.sampling.sampler == "ddpm" and pretrain_teacher.prediction == "edm" and red > 0:
            yield (
                f"{name}.sampling.sampler = ddpm adds white noise, but {red} of the training noise "
                "is red; expected dpm-solver++ or ddim, or pretrain_teacher.noise.red: 0"
            )
    for name in kubeflow.stages.keys() - SECTIONS.keys():
        yield f"kubeflow.stages.{name} is no stage, expected one of {', '.join(SECTIONS)}"
    levels = len(network.multipliers)
    if levels < 2 or network.patch * 2 ** (levels - 1) != 8:
        yield (
            f"pretrain_teacher.network.patch = {network.patch} with {levels} multipliers, expected "
            "1, 2 or 4 with 4, 3 or 2 multipliers"
        )
    elif regrid.size % (8 * network.patch):
        yield f"regrid.size = {regrid.size}, expected a multiple of {8 * network.patch} (8 x patch)"
