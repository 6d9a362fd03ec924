"""The sections of params.yaml, with types. The file has no other meaning."""

import json
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import ConfigDict, Field, PositiveFloat, PositiveInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid")

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
    history: PositiveInt
    future: PositiveInt
    rollout: PositiveInt
    split_by: Literal["storm", "time"]
    gap_hours: PositiveInt
    validation_share: Share
    test_share: Share
    seed: int


@dataclass(frozen=True, config=STRICT)
class NetworkParams:
    patch: PositiveInt
    channels: PositiveInt
    multipliers: list[PositiveInt]
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


@dataclass(frozen=True, config=STRICT)
class VerifyParams:
    seed: int
    windows: PositiveInt
    members: Annotated[int, Field(ge=2)]
    resamples: PositiveInt
    examples: PositiveInt


@dataclass(frozen=True, config=STRICT)
class ReportParams:
    forecasts: PositiveInt


def read(source: str, section: str, kind: type[Params]) -> Params:
    """Read one stage's parameters.

    `source` is the path of a params.yaml, as DVC passes it, or the section
    itself as JSON, as Kubeflow passes it (which turns whole numbers to floats;
    `kind` turns them back).

    Raises:
        ValueError: a parameter is misspelt, missing or out of range; the message
            names each one.
    """
    name = section if source.startswith("{") else f"{source}: {section}"
    values = _section(source, section)
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'])} = {fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ValueError(f"{name}: " + "; ".join(faults)) from None


def _section(source: str, section: str) -> dict:
    if source.startswith("{"):
        return json.loads(source)
    if not Path(source).is_file():
        raise ValueError(f"no parameter file {source}; expected a params.yaml")
    try:
        sections = yaml.safe_load(Path(source).read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{source} is not valid YAML: {error}") from None
    if not isinstance(sections, dict) or section not in sections:
        raise ValueError(
            f"{source} has no section {section!r}; add one, as params.yaml of the repository has"
        )
    return sections[section]
