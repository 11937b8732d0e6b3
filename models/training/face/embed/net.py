"""The face embedding: a small dense residual net. Dense convolutions at low widths run, and train, several times faster on a CPU than
depthwise ones of as many operations."""
from torch import nn

DIMENSIONS = 128                         # of the embedding
WIDTHS = (16, 32, 64, 128)
BLOCKS = (1, 3, 2)                       # residual blocks at 28x28, 14x14 and 7x7


def conv(cin, cout, stride=1, size=3, activate=True):
    layers = [nn.Conv2d(cin, cout, size, stride, size // 2, bias=False), nn.BatchNorm2d(cout)]
    return nn.Sequential(*layers, nn.ReLU()) if activate else nn.Sequential(*layers)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), conv(width, width, activate=False))

    def forward(self, x):
        return x + self.body(x)


class Embedding(nn.Module):
    """Aligned RGB faces, less ImageNet's mean and by its deviation, [B, 3, 112, 112] -> vectors [B, 128], not normalised. `maps` and
    `read` are its two halves: what is seen where (128 channels at 7x7, which training compares with the teacher's), and the reading of it."""

    def __init__(self):
        super().__init__()
        a, b, c, d = WIDTHS
        self.to14 = nn.Sequential(conv(3, a, 2), conv(a, b, 2), *(Residual(b) for _ in range(BLOCKS[0])),
                                  conv(b, c, 2), *(Residual(c) for _ in range(BLOCKS[1])))
        self.to7 = nn.Sequential(conv(c, d, 2), *(Residual(d) for _ in range(BLOCKS[2])), nn.Conv2d(d, 128, 1))
        self.read = nn.Sequential(conv(128, 512, size=1), nn.Conv2d(512, 512, 7, groups=512, bias=False), nn.BatchNorm2d(512), nn.Flatten(),
                                  nn.Linear(512, DIMENSIONS))

    def maps(self, x):
        at14 = self.to14(x)
        return at14, self.to7(at14)

    def forward(self, x):
        return self.read(self.maps(x)[1])
