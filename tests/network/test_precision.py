"""bf16 is used where the machine has instructions for it, and nowhere else unless asked for."""

import pytest
import torch

from nephele.network import precision

CPU = torch.device("cpu")


@pytest.fixture
def processor(monkeypatch):
    """Says which instructions the processor has."""

    def has(*names: str) -> None:
        precision.in_hardware.cache_clear()
        monkeypatch.setattr(
            torch.cpu, "get_capabilities", lambda: {"avx2": True} | dict.fromkeys(names, True)
        )

    yield has
    precision.in_hardware.cache_clear()


@pytest.mark.parametrize("instructions", ["avx512_bf16", "amx_bf16", "bf16"])
def test_auto_is_bf16_with_its_instructions(processor, instructions):
    processor(instructions)
    assert product(precision.autocast(CPU)) == torch.bfloat16


def test_auto_is_fp32_without_them(processor):
    processor("avx512_f")
    assert product(precision.autocast(CPU)) == torch.float32


@pytest.mark.parametrize(("wanted", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
@pytest.mark.parametrize("instructions", [[], ["avx512_bf16"]])
def test_what_is_asked_for_is_used_on_every_machine(processor, instructions, wanted, dtype):
    processor(*instructions)
    assert product(precision.autocast(CPU, wanted)) == dtype


def product(within) -> torch.dtype:
    with within:
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
