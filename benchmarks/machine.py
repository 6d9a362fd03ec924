"""What a benchmark ran on, for its first line."""

import os
import platform
from importlib import metadata
from pathlib import Path

import components  # noqa: F401  (how threads wait: benchmarks import this before torch)


def described(*packages: str) -> str:
    """The processor, how many of its cores, and the versions that matter."""
    names = [f"{name} {metadata.version(name)}" for name in packages]
    cores = len(os.sched_getaffinity(0))
    about = [processor(), f"{cores} cores", f"Python {platform.python_version()}", *names]
    return f"{', '.join(about)}; load {os.getloadavg()[0]:.1f} at the start"


def processor() -> str:
    """Its name, as the system has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
