"""Every stage as its signature, for the tests that compare its spellings."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

from components.tracking import Log

ROOT = Path(__file__).parents[1]
STAGES = (
    "acquire",
    "regrid",
    "pretrain_teacher",
    "distill_student",
    "export_causal_matrix",
    "evaluate_tsne",
    "verify",
    "report",
)


def main(stage: str) -> Callable[..., None]:
    return importlib.import_module(f"components.{stage}.stage").main


def signature(stage: str) -> dict[str, inspect.Parameter]:
    """The flags of a stage: its arguments, but for the log, which nobody passes."""
    given = inspect.signature(main(stage)).parameters
    return {name: wanted for name, wanted in given.items() if wanted.annotation is not Log}
