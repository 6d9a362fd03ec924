from pathlib import Path

import pytest
import yaml

from nephele.params import DOWNLOAD, KUBEFLOW, SECTIONS, SamplingParams

FILE = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text())


def test_every_section_of_the_file_has_a_type():
    assert [section for section in FILE if section != DOWNLOAD] == [*SECTIONS, KUBEFLOW]


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_schedule_of_1000_steps_has_no_more(sampler):
    SamplingParams(sampler=sampler, steps=[1000], windows=1, members=2)
    with pytest.raises(ValueError, match=r"steps = \[1001\], expected at most the 1000"):
        SamplingParams(sampler=sampler, steps=[1001], windows=1, members=2)
