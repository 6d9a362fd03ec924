"""The file evidence/params.yaml, with types."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt
from pydantic.dataclasses import dataclass

from evidence.rows import ABLATIONS, LADDER, LEDGER, LENGTH, Comparison
from nephele import typed
from nephele.params import Share, VerifyParams
from nephele.typed import STRICT

Seeds = Annotated[list[NonNegativeInt], Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class EvidenceParams:
    """The file evidence/params.yaml."""

    seeds: Seeds
    ladder_seeds: Seeds
    ablation_seeds: Seeds
    storms: PositiveInt
    validation_share: Share
    test_share: Share
    steps: PositiveInt
    batch_size: Annotated[int, Field(ge=2)]
    twice: PositiveInt
    average: Annotated[float, Field(ge=0, lt=1)]
    hints: NonNegativeInt
    verify: VerifyParams

    def __post_init__(self) -> None:
        if self.twice != 2 * self.steps:
            raise ValueError(f"twice = {self.twice}, expected {2 * self.steps}: 2 * steps")
        for name in ("ladder_seeds", "ablation_seeds"):
            if alone := sorted(set(getattr(self, name)) - set(self.seeds)):
                raise ValueError(
                    f"{name} has {alone}, expected some of seeds = {self.seeds}: a network is "
                    "compared with the teacher, student and control of its seed"
                )

    @property
    def wanted(self) -> dict[Comparison, list[int]]:
        """Every table, with its seeds."""
        return {
            LADDER: self.ladder_seeds,
            LEDGER: self.seeds,
            LENGTH: self.seeds,
            ABLATIONS: self.ablation_seeds,
        }


def read(path: str) -> EvidenceParams:
    """What the file at `path` asks for.

    Raises:
        ValueError: what is misspelt, missing or out of range, each by its name.
    """
    sections = {"evidence": typed.load(path)}
    return typed.sections(sections, {"evidence": EvidenceParams}, path)["evidence"]
