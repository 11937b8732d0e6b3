"""Token errors of a network by greedy decoding."""
import numpy as np
import torch

from features import ROW, rows
from net import DELAY


def read_tokens(path):
    """The tokens, one a line; 0 is the blank."""
    return path.read_text("utf-8").split("\n")[:-1]


def spell(text, numbers):
    """A transcript as token numbers: characters, and Latin words by the longest pieces; None stands for what has no token."""
    out, at = [], 0
    while at < len(text):
        size = next((n for n in range(min(12, len(text) - at), 0, -1) if text[at:at + n] in numbers), 0)
        out.append(numbers[text[at:at + size]] if size else None)
        at += size or 1
    return out


def edits(a, b):
    """Levenshtein distance of two sequences."""
    row = np.arange(len(b) + 1)
    for i, x in enumerate(a):
        next_row = np.minimum(row[1:] + 1, row[:-1] + np.array([x != y for y in b], int)) if len(b) else row[1:]
        row = np.concatenate([[i + 1], next_row])
        for j in range(1, len(row)):
            row[j] = min(row[j], row[j - 1] + 1)
    return int(row[-1])


def greedy(logits):
    """Token numbers of logits [T, tokens]."""
    best = logits.argmax(-1)
    return [int(t) for t, before in zip(best, [0, *best[:-1].tolist()]) if t and t != before]


@torch.no_grad()
def error(network, store, tokens):
    """Edits per character of a store's Chinese recordings, greedy, without a language model."""
    numbers = {t.lower(): i for i, t in enumerate(tokens) if i > 1}
    wrong = total = 0
    for i, row in enumerate(store.rows):
        sound = torch.from_numpy(store.sound(i).astype(np.float32))
        sound = torch.cat([sound, torch.zeros((DELAY + 4) * ROW)])
        wanted = spell(row["text"].lower(), numbers)
        wrong += edits(greedy(network(rows(sound[None]))[0].numpy()), wanted)
        total += len(wanted)
    return wrong / max(1, total)
