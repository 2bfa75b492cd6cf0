import torch
from torch.nn import functional as F

from plait.encoders.sound import ConvFrames, Summary


def test_each_frame_has_a_mean_and_variance_of_its_own() -> None:
    torch.manual_seed(0)
    layer = ConvFrames(2, 3, step=10).double()
    with torch.no_grad():
        layer.gain.normal_()
        layer.shift.normal_()
    maps = torch.randn(2, 2, 5, 7, dtype=torch.float64)
    mixed = F.conv2d(maps, layer.mix.weight, padding=1)
    normed = torch.empty_like(mixed)
    for b in range(2):
        for t in range(7):
            frame = mixed[b, :, :, t]
            scaled = (frame - frame.mean()) / (frame.var(correction=0) + 1e-5).sqrt()
            normed[b, :, :, t] = scaled * layer.gain[..., 0] + layer.shift[..., 0]
    expected = torch.zeros(2, 3, 3, 4, dtype=torch.float64)
    for m in range(3):
        for t in range(4):
            cell = normed[..., 2 * m : 2 * m + 2, 2 * t : 2 * t + 2].flatten(2)
            expected[..., m, t] = cell.amax(dim=2).clamp(min=0)
    torch.testing.assert_close(layer(maps), expected)


def test_padding_is_left_out_of_frames_and_summary() -> None:
    torch.manual_seed(0)
    layer, summary = ConvFrames(2, 3, step=10).double(), Summary(9, 4, step=20, dropout=0.0)
    summary = summary.double()
    maps = torch.randn(3, 2, 5, 8, dtype=torch.float64)
    lengths = [80, 41, 0]  # samples: 8, 5 and 0 frames
    mask = torch.arange(80) < torch.tensor(lengths).unsqueeze(1)
    found = layer(maps, mask)
    whole = summary(found, mask)
    for b, (frames, left) in enumerate([(8, 4), (5, 3)]):
        alone = layer(maps[b : b + 1, ..., :frames])
        torch.testing.assert_close(found[b : b + 1, ..., :left], alone)
        assert not found[b, ..., left:].any()
        torch.testing.assert_close(whole[b : b + 1], summary(alone))
    nothing = torch.zeros(1, 18, dtype=torch.float64)
    torch.testing.assert_close(whole[2:], summary.layers(nothing))


def test_the_summary_is_mean_and_maximum_over_time() -> None:
    torch.manual_seed(0)
    summary, maps = Summary(6, 4, step=20, dropout=0.0), torch.randn(2, 3, 2, 5)
    read = torch.cat([maps.mean(dim=3).flatten(1), maps.amax(dim=3).flatten(1)], dim=1)
    linear = summary.layers[1]
    torch.testing.assert_close(summary(maps), (read @ linear.weight.T + linear.bias).relu())
