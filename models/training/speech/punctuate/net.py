"""The punctuator's network: which mark stands behind each word of a text.

Embeddings of the word, its first and last character, its kind and length, and the pairs of characters that meet at its ends (pairs share rows by a
hash), then convolutions over words and a recurrent layer in both directions.
"""
import torch
from torch import nn
from torch.nn import functional

PAIRS = 1 << 15
FACTOR = 7919
KINDS = 29
LENGTHS = 8
"""Words are told apart by their length, too, up to this less one."""
EDGE = 4
"""Places of zeros before and behind a text."""
CLASSES = 8
DILATIONS = (1, 1, 2, 4)


class Net(nn.Module):
    """words, first, last, kinds (LENGTHS * kind + length - 1) [N, T] int64 -> logits [N, T, CLASSES]."""

    def __init__(self, characters, words, width=192, recurrent=128, single=64, pair=48, word=64, drop=.18, pairs_hidden=.25, words_hidden=.12):
        super().__init__()
        self.pairs_hidden, self.words_hidden = pairs_hidden, words_hidden
        self.single, self.pair = nn.Embedding(characters, single), nn.Embedding(PAIRS, pair)
        self.word, self.kind = nn.Embedding(words, word), nn.Embedding(KINDS * LENGTHS, 16)
        for table, deviation in ((self.single, .4), (self.pair, .1), (self.word, .2), (self.kind, .4)):
            nn.init.normal_(table.weight, std=deviation)
        self.enter = nn.Conv1d(2 * single + 2 * pair + word + 16, width, 1)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, dilation=d, padding=d) for d in DILATIONS)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in DILATIONS)
        self.gru = nn.GRU(width, recurrent, bidirectional=True, batch_first=True)
        self.drop = nn.Dropout(drop)
        self.leave = nn.Linear(width + 2 * recurrent, CLASSES)

    def tables(self):
        return [self.pair.weight, self.single.weight, self.word.weight, self.kind.weight]

    def forward(self, words, first, last, kinds):
        pairs, w = self.pair((last[:, :-1] * FACTOR + first[:, 1:]) % PAIRS), self.word(words)
        if self.training:
            # Names and places make pairs that never come again: what they happened to stand beside must not be learnt by heart.
            pairs = pairs * (torch.rand(pairs.shape[:2] + (1,)) > self.pairs_hidden)
            w = w * (torch.rand(w.shape[:2] + (1,)) > self.words_hidden)
        none = torch.zeros_like(pairs[:, :1])
        x = torch.cat([w, self.single(first), self.single(last), self.kind(kinds), torch.cat([none, pairs], 1), torch.cat([pairs, none], 1)], 2)
        x = functional.relu(self.enter(self.drop(x.transpose(1, 2))))
        for layer, norm in zip(self.layers, self.norms):
            x = x + self.drop(functional.relu(norm(layer(x))))
        x = x.transpose(1, 2)
        return self.leave(torch.cat([x, self.drop(self.gru(x)[0])], 2))
