"""In which precision the networks calculate: bf16 where the machine has it, else fp32."""

from functools import cache

import torch

from nephele.params import Precision

# What torch calls the instructions of AMD and Intel processors, and of Arm's.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")


def autocast(device: torch.device, precision: Precision = "auto") -> torch.autocast:
    """Calculate in `precision` inside the `with`; the weights stay in fp32.

    `auto` is bf16 where the processor or GPU has instructions for it, and fp32 elsewhere: a
    processor without them imitates bf16, which is many times slower than either.
    """
    half = in_hardware(device.type) if precision == "auto" else precision == "bf16"
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


@cache
def in_hardware(device: str) -> bool:
    """Whether this machine's `device` (`cpu`, `cuda`) multiplies in bf16."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in INSTRUCTIONS)
    return False
