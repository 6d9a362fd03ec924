"""params.yaml read: each section brought to its type, and the sections checked with each other."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import yaml

from nephele import typed
from nephele.acquisition import AcquireParams
from nephele.cluster import KubeflowParams
from nephele.params import (
    DOWNLOAD,
    KUBEFLOW,
    SECTIONS,
    RegridParams,
    StudentParams,
    TeacherParams,
)

Params = TypeVar("Params")


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
