"""The language model: which character stands between these left and these right neighbours?

One LSTM reads the left context forwards, another the right context backwards (Hochreiter & Schmidhuber 1997); a hidden layer joins
their last states (as context2vec does: Melamud, Goldberger & Dagan 2016) and is compared with the candidates' embeddings. A
candidate's score costs one row of the embedding. The scores at a place need not sum to one: only differences there are relied upon.
"""
import torch
from torch import nn


class Cloze(nn.Module):
    """classes [T, B] -> what stands at each place, as a vector [T, B, E] to be compared with the rows of `embed`."""

    def __init__(self, classes, embedding=128, state=224, hidden=256):
        super().__init__()
        self.sizes = dict(classes=classes, embedding=embedding, state=state, hidden=hidden)
        self.embed = nn.Embedding(classes, embedding)
        nn.init.normal_(self.embed.weight, std=embedding ** -0.5)
        self.bias = nn.Parameter(torch.zeros(classes))
        self.lstm = nn.LSTM(embedding, state, bidirectional=True)
        self.join = nn.Linear(2 * state, hidden)
        self.out = nn.Linear(hidden, embedding)

    def forward(self, x):
        y, _ = self.lstm(self.embed(x))
        left, right = y.chunk(2, dim=2)
        edge = torch.zeros_like(left[:1])
        around = torch.cat([torch.cat([edge, left[:-1]]), torch.cat([right[1:], edge])], dim=2)
        return self.out(torch.relu(self.join(around)))

    def scores(self, vectors, rows=None):
        """Of all classes, or of those in `rows`: natural log-probabilities, but for a constant of the place."""
        if rows is None:
            return vectors @ self.embed.weight.t() + self.bias
        return vectors @ self.embed.weight[rows].t() + self.bias[rows]
