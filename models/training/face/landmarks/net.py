"""The landmark network: a small dense residual net whose last map is read out by one matrix, so that places are kept."""
import torch
from torch import nn

from labels import POINTS


def conv(cin, cout, stride=1, size=3):
    return nn.Sequential(nn.Conv2d(cin, cout, size, stride, size // 2, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return x + self.body(x)


class Landmarks(nn.Module):
    """RGB in -1..1 [B, 3, 112, 112] -> x, y of 98 points as shares of the crop [B, 196]."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 2), conv(16, 32, 2), Residual(32), conv(32, 48, 2), Residual(48), Residual(48),
                                  conv(48, 64, 2), Residual(64), conv(64, 16, size=1), nn.Flatten())
        self.read = nn.Linear(16 * 7 * 7, 2 * POINTS)
        nn.init.normal_(self.read.weight, std=0.001)
        nn.init.constant_(self.read.bias, 0.5)

    def forward(self, x):
        return self.read(self.body(x))
