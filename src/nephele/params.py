"""The sections of params.yaml, with types. The file has no other meaning."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from nephele.acquisition import AcquireParams, SyntheticParams as SyntheticParams
from nephele.typed import STRICT

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
