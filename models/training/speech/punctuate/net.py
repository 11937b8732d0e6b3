"""The punctuator's network: which mark stands behind a character, from 57 characters before it and 13 after it.

Embeddings of the character and of the pairs that it makes with its neighbours (pairs share rows by a hash), then convolutions over time without
padding: the caller puts LEFT ids 0 before the text and RIGHT behind it. So a character's mark never changes once RIGHT characters follow it,
however a stream is cut.
"""
import torch
from torch import nn
from torch.nn import functional

PAIRS = 1 << 16
FACTOR = 7919
WIDTH = 128
LAYERS = ((1, 2, 2), (1, 2, 2), (1, 2, 2), (2, 3, 1), (4, 3, 1), (8, 4, 0))
"""Dilation, taps to the left, taps to the right of each layer."""
LEFT = 1 + sum(d * l for d, l, _ in LAYERS)   # the one is the pair's
RIGHT = 1 + sum(d * r for d, _, r in LAYERS)
CLASSES = 8


class Net(nn.Module):
    """ids [N, LEFT+T+RIGHT] int64 -> logits [N, T, CLASSES]."""

    def __init__(self, characters, single=64, pair=48):
        super().__init__()
        self.single, self.pair = nn.Embedding(characters, single), nn.Embedding(PAIRS, pair)
        nn.init.normal_(self.single.weight, std=.5)
        nn.init.normal_(self.pair.weight, std=.1)
        self.enter = nn.Conv1d(single + 2 * pair, WIDTH, 1)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, l + 1 + r, dilation=d) for d, l, r in LAYERS)
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in LAYERS)
        self.leave = nn.Conv1d(WIDTH, CLASSES, 1)
        self.drop = nn.Dropout(.1)

    def forward(self, ids):
        pairs = (ids[:, :-1] * FACTOR + ids[:, 1:]) % PAIRS
        x = torch.cat([self.single(ids[:, 1:-1]), self.pair(pairs[:, :-1]), self.pair(pairs[:, 1:])], 2).transpose(1, 2)
        x = functional.relu(self.enter(self.drop(x)))
        for (d, l, r), layer, norm in zip(LAYERS, self.layers, self.norms):
            y = functional.relu(norm(layer(x)))
            x = x[:, :, d * l:x.shape[2] - d * r] + self.drop(y)
        return self.leave(x).transpose(1, 2)
