"""The orientation network: which of four ways a tile of text is turned, and whether its lines run from top to bottom."""
import torch
from torch import nn

WIDTHS = (16, 16, 32, 48, 64, 96, 96)


def block(inputs, outputs, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class OrientNet(nn.Module):
    """Tiles [n, 1, 96, 96], gray 0..255 -> logits [n, 4] (class k: content is turned k * 90 degrees clockwise) and vertical [n, 1]."""

    def __init__(self, widths=WIDTHS):
        super().__init__()
        a, b, c, d, e, f, g = widths
        self.body = nn.Sequential(block(1, a, 2), block(a, b), block(b, c, 2), block(c, d), block(d, e, 2), block(e, f), block(f, g, 2))
        self.drop = nn.Dropout(0.1)
        self.turn, self.vertical = nn.Linear(2 * g, 4), nn.Linear(2 * g, 1)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        x = x - mean
        # 6 gray levels: an empty tile's noise is not blown up to look like text.
        x = x / torch.sqrt((x * x).mean((2, 3), keepdim=True) + 36.0)
        x = self.body(x)
        x = self.drop(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        return self.turn(x), self.vertical(x)
