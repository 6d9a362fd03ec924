"""The whole network, teacher's and student's alike: they differ in what the encoders read."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from nephele.network.backbone import Backbone
from nephele.network.blocks import NoiseEmbedding
from nephele.network.causal import CausalDecomposition, CausalHeads, Decomposition, EffectMatrix
from nephele.network.cross_attention import CrossModalAttention, Fusion
from nephele.network.encoders import VariableEncoders, folded
from nephele.network.scene import SceneEmbedding
from nephele.network.shapes import Embedding, Frames, History, Maps, Sigma, Sources, VariableMaps
from nephele.network.temporal import TemporalAttention
from nephele.params import NetworkParams
from nephele.windows.tensors import Samples

Kind = Literal["teacher", "student", "control"]
Features = dict[tuple[str, int], VariableMaps]
Encoded = dict[int, VariableMaps]  # by resolution, pixels a side


@dataclass(frozen=True)
class Shape:
    """What the data fixes about a network.

    `hindsight` is that of the windows: whether ERA5 of the lead times is read too.
    """

    variables: tuple[str, ...]
    history: int
    future: int
    size: int
    hindsight: bool = False

    @property
    def times(self) -> int:
        """How many fields of each variable are read."""
        return self.history + self.future if self.hindsight else self.history

    def check(self, sources: Sources) -> None:
        """See that the fields are those of the times that are read.

        Raises:
            ValueError: they are not.
        """
        if sources.shape[3] != self.times:
            raise ValueError(
                f"each variable has fields of {sources.shape[3]} times, expected {self.times}: "
                f"{'with' if self.hindsight else 'without'} hindsight"
            )


@dataclass(frozen=True)
class Condition:
    """What does not depend on the noise: computed once a forecast.

    `encoded` holds the encoders' features by resolution (pixels a side), `scene` what all
    blocks are told about the scene as a whole.
    """

    history: History
    encoded: Encoded
    scene: Embedding

    def repeat(self, times: int) -> "Condition":
        """Every sample `times` times in a row."""
        return Condition(
            self.history.repeat_interleave(times, dim=0),
            {size: maps.repeat_interleave(times, dim=0) for size, maps in self.encoded.items()},
            self.scene.repeat_interleave(times, dim=0),
        )

    def part(self, chosen: slice) -> "Condition":
        """Some of the samples."""
        return Condition(
            self.history[chosen],
            {size: maps[chosen] for size, maps in self.encoded.items()},
            self.scene[chosen],
        )


@dataclass(frozen=True)
class Output:
    """The network's output, and the features that are distilled and decomposed."""

    prediction: Frames
    attention: dict[int, VariableMaps]
    decomposition: Decomposition


class Nephele(nn.Module):
    """NCSN++ on noisy future and history, guided by one set of features a variable."""

    def __init__(self, params: NetworkParams, shape: Shape) -> None:
        super().__init__()
        self.params, self.shape = params, shape
        self._build()

    def _build(self) -> None:
        """Make the layers."""
        params, shape = self.params, self.shape
        variables, features = len(shape.variables), params.encoder_channels[-1]
        self._build_trunk(features)
        sizes = {str(self.coarse): 8, str(self.fine): 4}
        self.encoders = nn.ModuleDict(
            {
                size: VariableEncoders(
                    variables, params.encoder_channels, reduction, params.patch, shape.times
                )
                for size, reduction in sizes.items()
            }
        )
        self.attention = nn.ModuleDict({size: self._cross_attention(int(size)) for size in sizes})
        self.fusion = nn.ModuleDict(
            {size: Fusion(variables, features, self.backbone.channels(int(size))) for size in sizes}
        )
        self.decomposition = CausalDecomposition(variables, features, params.causal_share)
        self.effect_matrix = EffectMatrix(variables, shape.future)
        self.causal_heads = CausalHeads(variables, features, shape.future, params.projection)

    def _build_trunk(self, features: int, further: int = 0) -> None:
        """Make what forecasts, of which `features` a variable tell about the scene.

        Args:
            further: maps that the backbone reads beside history and noisy future.
        """
        params, shape = self.params, self.shape
        frames = shape.history + shape.future
        self.backbone = Backbone(params, shape.size, frames + further, shape.future)
        self.coarse, self.fine = self.backbone.coarse, self.backbone.fine
        self.embed = NoiseEmbedding(self.backbone.embedding)
        self.scene = SceneEmbedding(
            shape.history, len(shape.variables), features, self.backbone.embedding
        )
        self.temporal = TemporalAttention(
            frames, params.temporal_channels, params.temporal_heads, params.channels
        )

    def channels_last(self) -> "Nephele":
        """Lay the convolutions' weights out as they run fastest."""
        self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.encoders.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        return self

    def condition(self, history: History, sources: Sources) -> Condition:
        """Run the encoders."""
        return self.conditioned(history, self.encode(sources))

    def encode(self, sources: Sources) -> Encoded:
        """What the encoders make of the variables, by resolution."""
        self.shape.check(sources)
        patches = folded(sources, self.params.patch)
        return {int(size): encode(patches) for size, encode in self.encoders.items()}

    def conditioned(self, history: History, encoded: Encoded) -> Condition:
        """The condition with features that are there already."""
        return Condition(history, encoded, self.scene(history, encoded[self.coarse]))

    def forward(self, noisy: Frames, level: Sigma, condition: Condition) -> Output:
        attention: dict[int, VariableMaps] = {}
        parts: list[Decomposition] = []

        def guide(resolution: int, maps: Maps) -> Maps:
            features = self.attention[str(resolution)](condition.encoded[resolution], maps)
            attention[resolution] = features
            if resolution == self.fine:
                parts.append(self.decomposition(features))
                features = self.effect_matrix.enhance(features, parts[0].causal)
            return maps + self.fusion[str(resolution)](features)

        frames = torch.cat([condition.history, noisy], dim=1)
        embedding = self.embed(level) + condition.scene
        prediction = self.backbone(frames, self.temporal(frames), embedding, guide)
        return Output(prediction, attention, parts[0])

    def _cross_attention(self, resolution: int) -> CrossModalAttention:
        params = self.params
        return CrossModalAttention(
            variables=len(self.shape.variables),
            features=params.encoder_channels[-1],
            satellite=self.backbone.channels(resolution),
            heads=params.cross_heads,
            head=params.cross_head_channels,
            pool=max(1, resolution // params.attention_keys),
            residual=params.attention_residual,
        )


def named_features(condition: Condition, output: Output) -> Features:
    """Encoder and attention features by kind and resolution, float32: what is distilled."""
    return {
        **{("encoder", size): maps.float() for size, maps in condition.encoded.items()},
        **{("attention", size): maps.float() for size, maps in output.attention.items()},
    }


def sources(samples: Samples, kind: Kind) -> Sources:
    """What the encoders read: the teacher's ERA5, the student's and the control's clouds.

    Values and validity, shape (batch, variable, 2, time, y, x).
    """
    if kind == "teacher":
        return torch.stack([samples.era5, samples.valid], dim=2)
    clouds = torch.stack([samples.history, torch.ones_like(samples.history)], dim=1)
    return clouds[:, None].expand(-1, samples.era5.shape[1], -1, -1, -1, -1)
