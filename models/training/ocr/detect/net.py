"""The text detector: a dense convolutional pyramid whose head, at stride 4, answers for four sub-pixels, so that the map has stride 2."""
import torch
from torch import nn
from torch.nn import functional as F

STRIDE = 2                       # of the map
MULTIPLE = 32                    # height and width of the input
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as PP-OCR takes them: for B, G, R in this order, of pixels / 255
NECK = 40


def conv(cin, cout, stride=1, size=3):
    return nn.Sequential(nn.Conv2d(cin, cout, size, stride, size // 2, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = conv(width, width)

    def forward(self, x):
        return x + self.body(x)


class TextDetector(nn.Module):
    """Normalised BGR [B, 3, H, W], H and W multiples of 32 -> logits [B, 1, H/2, W/2] of the shrunk text kernels."""

    def __init__(self):
        super().__init__()
        self.to4 = nn.Sequential(conv(3, 16, 2), conv(16, 32, 2), Residual(32), Residual(32))
        self.to8 = nn.Sequential(conv(32, 48, 2), *(Residual(48) for _ in range(3)))
        self.to16 = nn.Sequential(conv(48, 80, 2), *(Residual(80) for _ in range(4)))
        self.to32 = nn.Sequential(conv(80, 112, 2), *(Residual(112) for _ in range(3)))
        self.lateral = nn.ModuleList(conv(c, NECK, size=1) for c in (32, 48, 80, 112))
        self.middle = Residual(NECK)
        self.head = nn.Sequential(conv(NECK, 32), Residual(32), nn.Conv2d(32, 4, 1))
        nn.init.normal_(self.head[-1].weight, std=0.01)
        nn.init.constant_(self.head[-1].bias, -2.0)

    def forward(self, x):
        levels = [self.to4(x)]
        for stage in (self.to8, self.to16, self.to32):
            levels.append(stage(levels[-1]))
        levels = [lateral(level) for lateral, level in zip(self.lateral, levels)]
        up = levels[3]
        for i in (2, 1, 0):
            up = levels[i] + F.interpolate(up, scale_factor=2.0, mode="nearest")
            if i == 1:
                up = self.middle(up)
        return F.pixel_shuffle(self.head(up), 2)


class Maps(nn.Module):
    """The detector with the sigmoid inside, as the `dbnet` family wants it."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.sigmoid(self.net(x))
