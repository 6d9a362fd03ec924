"""What the stages ask of a cluster: the section `kubeflow` of params.yaml, which no stage reads."""

import dataclasses
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from nephele import typed

# What Kubeflow hands to a stage itself; a second one would be a rival.
HANDED_OVER = frozenset({"MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"})


@dataclass(frozen=True, config=typed.STRICT)
class Retries:
    times: Annotated[int, Field(ge=0)]
    wait: PositiveInt
    factor: Annotated[float, Field(ge=1)]
    longest: PositiveInt


@dataclass(frozen=True, config=typed.STRICT)
class Volume:
    claim: str | None
    path: Annotated[str, Field(pattern=r"^/.+")]


@dataclass(frozen=True, config=typed.STRICT)
class Trainer(Volume):
    """Kubeflow's trainer, and the claim that its nodes share."""

    nodes: PositiveInt
    runtime: str

    def __post_init__(self) -> None:
        if self.nodes > 1 and self.claim is None:
            raise ValueError(
                f"trainer.nodes = {self.nodes}, expected trainer.claim too: a volume that all "
                "nodes see (ReadWriteMany)"
            )


@dataclass(frozen=True, config=typed.STRICT)
class Resources:
    """What one stage gets."""

    cpu: PositiveFloat
    memory: Annotated[str, Field(pattern=r"^\d+([EPTGMK]i?)?$")]
    accelerator: str
    accelerators: Annotated[int, Field(ge=0)]
    hours: PositiveFloat


@dataclass(frozen=True, config=typed.STRICT)
class KubeflowParams:
    registry: str
    caching: bool
    retries: Retries
    tracking_uri: str | None
    secrets: dict[str, dict[str, str]]
    data: Volume
    journals: Volume
    trainer: Trainer
    every_stage: Resources
    stages: dict[str, dict[str, object]]

    def __post_init__(self) -> None:
        for stage in self.stages:
            self.resources(stage)
        for secret, keys in self.secrets.items():
            if rivals := HANDED_OVER.intersection(keys.values()):
                raise ValueError(
                    f"secrets.{secret} sets {', '.join(sorted(rivals))}, which Kubeflow hands "
                    "over, expected another variable; tracking_uri is for where it does not"
                )

    def resources(self, stage: str) -> Resources:
        """What a stage gets: that of every stage, and its own exceptions.

        Raises:
            ValueError: an exception is misspelt or out of range.
        """
        values = dataclasses.asdict(self.every_stage) | self.stages.get(stage, {})
        key = f"stages.{stage}"
        return typed.sections({key: values}, {key: Resources})[key]
