"""The face detector: a small dense convolutional pyramid with heads at strides 8, 16 and 32 and YuNet's output convention."""
import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
NECK = 32                        # channels of every pyramid level


def conv(cin, cout, stride=1, size=3):
    return nn.Sequential(nn.Conv2d(cin, cout, size, stride, size // 2, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


def separable(cin, cout, stride=1):
    """Depthwise then pointwise: used where maps are small, so that parameters rather than time decide."""
    return nn.Sequential(nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False), nn.BatchNorm2d(cin),
                         nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


class FaceDetector(nn.Module):
    """BGR 0..255 [B, 3, H, W], H and W multiples of 32 -> one raw map [B, 16, H/s, W/s] for each stride: the class and
    objectness logits, box (4) and landmarks (10), which `outputs` turns into YuNet's twelve tensors."""

    def __init__(self):
        super().__init__()
        self.to4 = nn.Sequential(conv(3, 16, 2), conv(16, 32, 2))
        self.to8 = nn.Sequential(conv(32, 48, 2), Residual(conv(48, 48)), Residual(conv(48, 48)))
        self.to16 = nn.Sequential(separable(48, 64, 2), *(Residual(separable(64, 64)) for _ in range(3)))
        self.to32 = nn.Sequential(separable(64, 80, 2), *(Residual(separable(80, 80)) for _ in range(4)))
        self.lateral = nn.ModuleList(conv(c, NECK, size=1) for c in (48, 64, 80))
        self.smooth = nn.ModuleList(Residual(separable(NECK, NECK)) for _ in STRIDES)
        self.tower = nn.ModuleList(Residual(separable(NECK, NECK)) for _ in STRIDES)
        self.head = nn.ModuleList(nn.Conv2d(NECK, 16, 1) for _ in STRIDES)
        for head in self.head:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            nn.init.constant_(head.bias[:2], -4.0)

    def forward(self, x):
        x = self.to4((x - 127.5) / 64)
        levels = [self.to8(x)]
        levels.append(self.to16(levels[0]))
        levels.append(self.to32(levels[1]))
        levels = [lateral(level) for lateral, level in zip(self.lateral, levels)]
        for i in (1, 0):
            levels[i] = levels[i] + F.interpolate(levels[i + 1], scale_factor=2.0, mode="nearest")
        return [head(tower(smooth(level))) for smooth, tower, head, level in zip(self.smooth, self.tower, self.head, levels)]


def flatten(maps):
    """Raw maps -> [B, N, 16] with the cells of stride 8, then 16, then 32, each row by row."""
    return torch.cat([m.flatten(2).transpose(1, 2) for m in maps], 1)


def cells(height, width):
    """Column, row and stride of each of the N cells, [N, 3]."""
    out = []
    for s in STRIDES:
        rows, columns = torch.meshgrid(torch.arange(height // s), torch.arange(width // s), indexing="ij")
        out.append(torch.stack([columns.flatten(), rows.flatten(), torch.full((rows.numel(),), s)], 1))
    return torch.cat(out).float()


def decode(raw, grid):
    """Raw rows [B, N, 16] -> boxes as corners [B, N, 4] and landmarks [B, N, 10] in pixels."""
    at, stride = grid[:, :2], grid[:, 2:]
    centre = (at + raw[..., 2:4]) * stride
    size = torch.exp(raw[..., 4:6].clamp(max=6)) * stride
    points = (at.repeat(1, 5) + raw[..., 6:]) * stride
    return torch.cat([centre - size / 2, centre + size / 2], -1), points


class YuNetOutputs(nn.Module):
    """The detector with its outputs named and shaped as YuNet's: cls, obj (sigmoid), bbox, kps, each for strides 8, 16, 32."""

    NAMES = [f"{kind}_{s}" for kind in ("cls", "obj", "bbox", "kps") for s in STRIDES]

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        rows = [m.permute(0, 2, 3, 1).reshape(m.shape[0], -1, 16) for m in self.net(x)]
        return ([torch.sigmoid(r[..., :1]) for r in rows] + [torch.sigmoid(r[..., 1:2]) for r in rows]
                + [r[..., 2:6] for r in rows] + [r[..., 6:] for r in rows])
