"""The liveness network: a small dense residual net on a face crop."""
from torch import nn


def conv(cin, cout, stride=1):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return x + self.body(x)


class Liveness(nn.Module):
    """BGR 0..255 [B, 3, 80, 80] -> logits of paper, live, screen [B, 3]."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv(3, 16), conv(16, 24, 2), conv(24, 40, 2), Residual(40), conv(40, 64, 2), Residual(64), conv(64, 96, 2),
                                  nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(96, 3))

    def forward(self, x):
        return self.body((x - 127.5) / 64)
