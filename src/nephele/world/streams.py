"""Randomness by name: one independent stream a storm and purpose.

An intervention changes a variable and nothing else, because no draw depends on how many
draws another purpose has made.
"""

from zlib import crc32

import numpy as np


def stream(seed: int, storm: int, name: str, step: int = 0) -> np.random.Generator:
    """The generator of one purpose, such as the texture of one step of one storm."""
    key = (storm, crc32(name.encode()), step)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
