"""The shapes that the networks pass around. Checked whenever tests run.

`coarse` and `fine` are an eighth and a quarter of the frames: 16 and 32 pixels a side
for frames of 128.
"""

from jaxtyping import Float
from torch import Tensor

Frames = Float[Tensor, "batch future y x"]  # what is noised and denoised: no units
History = Float[Tensor, "batch history y x"]
Sigma = Float[Tensor, " batch"]  # noise level, in units of the normalised frames
Embedding = Float[Tensor, "batch embedding"]
# The backbone's: within one function channels and sizes may change, so they are not compared.
Maps = Float[Tensor, "batch _channel _h _w"]
# What an encoder reads of each variable: its values, and where they are valid.
Sources = Float[Tensor, "batch variable 2 time y x"]
Folded = Float[Tensor, "batch variable channel time row column"]  # its patches' pixels as channels
VariableMaps = Float[Tensor, "batch variable feature h w"]
VariableVectors = Float[Tensor, "batch variable feature"]
Effects = Float[Tensor, "variable future"]
Scalar = Float[Tensor, ""]
