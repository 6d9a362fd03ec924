import pytest
import torch

from nephele.network.blocks import Resampling, attend, tokens, untokens
from nephele.network.temporal import TemporalAttention


def test_tokens_come_back_as_maps():
    maps = torch.randn(2, 12, 4, 6)

    assert torch.equal(untokens(tokens(maps, heads=3), (4, 6)), maps)


def test_attention_is_the_fused_kernels():
    query, key, value = torch.randn(3, 2, 4, 9, 8)

    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(attend(query, key, value), expected)


@pytest.mark.parametrize("kind", ["nearest", "fir"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_resampling_keeps_a_constant_map(kind, direction):
    layer = Resampling(3, direction, kind)
    layer.conv = torch.nn.Identity()
    size = 16 if direction == "up" else 4

    result = layer(torch.full((1, 3, 8, 8), 2.5))

    assert result.shape == (1, 3, size, size)
    inner = result[..., 1:-1, 1:-1]  # the filter reaches over the edge
    torch.testing.assert_close(inner, torch.full_like(inner, 2.5))


def test_no_frame_attends_to_a_later_one():
    torch.manual_seed(0)
    layer = TemporalAttention(frames=9, channels=8, heads=2, outputs=9 * 8)
    layer.gate.data.fill_(1.0)
    layer.merge = torch.nn.Identity()
    frames = torch.randn(2, 9, 32, 32)
    later = frames.clone()
    later[:, 6:] += 1

    before, after = layer(frames), layer(later)

    assert torch.equal(before[:, : 6 * 8], after[:, : 6 * 8])
    changed = (before != after).unflatten(1, (9, 8)).flatten(2).any(dim=2)
    assert changed[:, 6:].all()


def test_attention_over_time_is_softmax_attention():
    torch.manual_seed(0)
    layer = TemporalAttention(frames=9, channels=8, heads=2, outputs=8)
    embedded = torch.randn(9, 8, 4, 4)

    query, key, value = (
        part.reshape(9, 2, 4, 16).permute(3, 1, 0, 2)
        for part in layer.query_key_value(layer.norm(embedded)).chunk(3, dim=1)
    )
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    attended = layer._attend(embedded, 9)[0]

    torch.testing.assert_close(attended.reshape(9, 2, 4, 16).permute(3, 1, 0, 2), expected)
