"""The speaker embedding network: log mel filterbanks of a stretch of speech in, one vector out, compared by cosine."""
import torch
from torch import nn
from torch.nn import functional as F

MELS, EMBEDDING = 80, 128
CHANNELS = (24, 24, 48, 64)
WIDTH, ATTENTION = 256, 64


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016), over frequency and time."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        same = channels == out and stride == (1, 1)
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class Embedder(nn.Module):
    """feats [B, T, 80], their mean over T already taken off -> embs [B, 128], not yet of unit length. T is at least 8 frames of 10 ms."""

    def __init__(self):
        super().__init__()
        c = CHANNELS
        self.normalise = nn.BatchNorm1d(MELS, affine=False)
        self.enter = nn.Sequential(nn.Conv2d(1, c[0], 3, 2, 1, bias=False), nn.BatchNorm2d(c[0]), nn.ReLU())
        self.blocks = nn.Sequential(Block(c[0], c[1], (1, 1)), Block(c[1], c[2], (2, 1)), Block(c[2], c[3], (2, 2)))
        self.frames = nn.Sequential(nn.Conv1d(c[3] * MELS // 8, WIDTH, 1, bias=False), nn.BatchNorm1d(WIDTH), nn.ReLU())
        # Attentive statistics pooling (Okabe et al. 2018): which frames tell who speaks, per channel.
        self.attention = nn.Sequential(nn.Conv1d(WIDTH, ATTENTION, 1), nn.Tanh(), nn.Conv1d(ATTENTION, WIDTH, 1))
        self.leave = nn.Sequential(nn.BatchNorm1d(2 * WIDTH), nn.Linear(2 * WIDTH, EMBEDDING), nn.BatchNorm1d(EMBEDDING))

    def forward(self, feats):
        x = self.normalise(feats.transpose(1, 2)).unsqueeze(1)
        x = self.blocks(self.enter(x))
        x = self.frames(x.flatten(1, 2))
        weight = torch.softmax(self.attention(x), 2)
        mean = (x * weight).sum(2)
        deviation = ((x * x * weight).sum(2) - mean * mean).clamp(min=1e-5).sqrt()
        return self.leave(torch.cat([mean, deviation], 1))


class Margin(nn.Module):
    """Additive angular margin softmax (Deng et al. 2019): classes as directions, the right one's angle made larger by `margin`."""

    def __init__(self, classes, scale=30.0):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(classes, EMBEDDING) * 0.1), scale

    def forward(self, embedding, label, margin):
        cosine = F.linear(F.normalize(embedding), F.normalize(self.weight))
        angle = torch.acos(cosine.gather(1, label[:, None]).clamp(-1 + 1e-6, 1 - 1e-6))
        target = torch.cos((angle + margin).clamp(max=3.14159))
        logits = cosine.scatter(1, label[:, None], target) * self.scale
        return F.cross_entropy(logits, label), (cosine.argmax(1) == label).float().mean()
