"""The network with ERA5 as plain input channels: how much there is to learn for any network.

It has the backbone of the others and what goes with it, and none of the ways in which they read
ERA5: no encoders, no cross-modal attention, no causal parts. What it learns from ERA5 is what the
others are measured by.
"""

import torch

from nephele.network.causal import Decomposition
from nephele.network.nephele import Condition, Encoded, Nephele, Output
from nephele.network.shapes import Frames, History, Maps, Sigma, Sources


class Plain(Nephele):
    """A U-Net on noisy future, history and all that is known of the variables."""

    def _build(self) -> None:
        """Make the layers."""
        fields = 2 * self.shape.times  # values, and where they are valid
        self._build_trunk(fields, further=fields * len(self.shape.variables))

    def channels_last(self) -> "Plain":
        """Lay the convolutions' weights out as they run fastest."""
        self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self

    def encode(self, sources: Sources) -> Encoded:
        """The fields as they are, in the place of the encoders' features."""
        self.shape.check(sources)
        return {self.shape.size: sources.flatten(2, 3)}

    def conditioned(self, history: History, encoded: Encoded) -> Condition:
        """The condition with fields that are there already."""
        return Condition(history, encoded, self.scene(history, encoded[self.shape.size]))

    def forward(self, noisy: Frames, level: Sigma, condition: Condition) -> Output:
        frames = torch.cat([condition.history, noisy], dim=1)
        fields = condition.encoded[self.shape.size].flatten(1, 2)
        inputs = torch.cat([frames, fields], dim=1)
        embedding = self.embed(level) + condition.scene
        prediction = self.backbone(inputs, self.temporal(frames), embedding, _unguided)
        nothing = prediction.new_empty(len(prediction), 0, 0, self.fine, self.fine)
        return Output(prediction, {}, Decomposition(nothing, nothing))


def _unguided(resolution: int, maps: Maps) -> Maps:
    return maps
