"""Trains the punctuator's network.

    OPENBLAS_CORETYPE=SKYLAKEX OMP_NUM_THREADS=1 /usr/bin/python3 models/training/speech/punctuate/train.py --data WORK/punctuate --out WORK/punctuate --minutes 15

Interrupted, it resumes from the checkpoint in --out. A batch has whole paragraphs, long ones in stretches of 130 words; some are cut short, as what
was heard so far is. Prints the loss and F1 on dev.npz once a minute.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional

from net import CLASSES, EDGE, LENGTHS, Net

SHARES = {"cases": .6, "conversation": .05, "news": .06, "judicial": .13, "statutes": .16}
BATCH, STRETCH = 3200, 130
"""Places in a batch, and words in a stretch."""
CUT_SHORT, UNKNOWN, FIRST_UNKNOWN, OTHER_DIGITS = .1, .03, .02, .3
"""Shares of paragraphs that are cut short, of words that are replaced by the unknown one, of first characters, and of paragraphs whose digits change."""
DIGITS, NUMERALS = "二三四五六七八九", "零一二三四五六七八九十百千万点"


def words_of(path):
    """([words, first characters, last characters, kinds, marks], number of words of each paragraph, place of each word's last character)."""
    data = np.load(path)
    ends = np.flatnonzero(np.isin(data["places"] % 4, (0, 3)))
    starts = np.concatenate([[0], ends[:-1] + 1])
    ids, length = data["ids"].astype(np.int32), np.minimum(ends - starts, LENGTHS - 1)
    counts = np.searchsorted(ends, np.cumsum(data["lengths"]) - 1) + 1
    kinds = (data["places"][ends] // 4).astype(np.int32) * LENGTHS + length.astype(np.int32)
    return [data["words"][ends], ids[starts], ids[ends], kinds, data["marks"][ends]], np.diff(np.concatenate([[0], counts])), ends


class Texts:
    """Draws stretches of a kind of text, each once before any comes again."""

    def __init__(self, path, seed):
        self.fields, self.counts, _ = words_of(path)
        self.starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        self.rng, self.rest = np.random.default_rng(seed), []

    def stretch(self):
        if not self.rest:
            for begin, n in zip(self.starts, self.counts):
                if n <= STRETCH * 1.25:
                    self.rest.append((begin, begin + n))
                    continue
                at, size = 0, int(self.rng.integers(STRETCH // 2, STRETCH + 1))
                while at < n:
                    self.rest.append((begin + at, begin + min(n, at + size)))
                    at, size = at + size, STRETCH
            self.rng.shuffle(self.rest)
        begin, end = (int(v) for v in self.rest.pop())
        if self.rng.random() < CUT_SHORT and end - begin > 8:
            end = int(self.rng.integers(begin + 4, end + 1))
        return [f[begin:end] for f in self.fields]


def padded(stretches):
    """[words, first, last, kinds, marks], each [N, T] int64; marks are -1 where there is no text."""
    width = max(len(s[0]) for s in stretches) + 2 * EDGE
    out = [np.full((len(stretches), width), -1 if k == 4 else 0, np.int64) for k in range(5)]
    for row, s in enumerate(stretches):
        for field, values in zip(out, s):
            field[row, EDGE:EDGE + len(values)] = values
    return out


class Batches:
    def __init__(self, texts, tokens, words, rng):
        self.texts, self.rng, self.ready = texts, rng, []
        self.digits = np.array([tokens.index(d) for d in DIGITS])
        self.digit_words = np.array([words.index(d) + 1 for d in DIGITS])
        self.numeral = np.isin(np.arange(len(tokens)), [tokens.index(d) for d in NUMERALS])

    def draw(self):
        kinds, shares = list(SHARES), np.array(list(SHARES.values()))
        pool = sorted((self.texts[kinds[k]].stretch() for k in self.rng.choice(len(kinds), 600, p=shares / shares.sum())), key=lambda s: len(s[0]))
        batch = []
        for s in pool:
            if batch and (len(batch) + 1) * (len(s[0]) + 2 * EDGE) > BATCH:
                self.ready.append(batch)
                batch = []
            batch.append(s)
        self.ready.append(batch)
        self.rng.shuffle(self.ready)

    def next(self):
        if not self.ready:
            self.draw()
        words, first, last, kinds, marks = padded(self.ready.pop())
        # Numbers differ from case to case: other digits in a numeral of several.
        near = np.zeros(first.shape, bool)
        near[:, 1:] |= self.numeral[first[:, :-1]]
        near[:, :-1] |= self.numeral[first[:, 1:]]
        change = np.isin(first, self.digits) & (first == last) & near & (self.rng.random(len(first)) < OTHER_DIGITS)[:, None]
        digit = self.rng.integers(0, len(DIGITS), change.sum())
        first[change] = last[change] = self.digits[digit]
        words[change] = self.digit_words[digit]
        hidden = (first > 0) & (self.rng.random(first.shape) < UNKNOWN)
        words[hidden], first[hidden], last[hidden] = 0, 1, 1
        first[(first > 0) & (self.rng.random(first.shape) < FIRST_UNKNOWN)] = 1
        return [torch.from_numpy(f) for f in (words, first, last, kinds, marks)]


def development(net, path):
    """(loss of a character, F1 of all marks where any mark is likelier than .4)."""
    fields, counts, ends = words_of(path)
    marks = np.load(path)["marks"].astype(int)
    probabilities = np.zeros((len(marks), CLASSES))
    probabilities[:, 0] = 1
    starts, order = np.concatenate([[0], np.cumsum(counts)]), np.argsort(counts)
    net.eval()
    with torch.no_grad():
        for i in range(0, len(order), 32):
            rows = order[i:i + 32]
            batch = padded([[f[starts[j]:starts[j + 1]] for f in fields] for j in rows])
            p = net(*(torch.from_numpy(f) for f in batch[:4])).softmax(2).numpy()
            for row, j in enumerate(rows):
                probabilities[ends[starts[j]:starts[j + 1]]] = p[row, EDGE:EDGE + counts[j]]
    p, m = probabilities[marks >= 0], marks[marks >= 0]
    put = np.where(1 - p[:, 0] > .4, 1 + p[:, 1:].argmax(1), 0)
    return -np.log(p[np.arange(len(m)), m] + 1e-4).mean(), 2 * ((put == m) & (m > 0)).sum() / max(1, (put > 0).sum() + (m > 0).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=15, help="CPU minutes, of all runs together; the learning rate falls along them")
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    tokens = (args.data / "tokens.txt").read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in (args.data / "words.txt").read_text(encoding="utf-8").splitlines()]
    net, smooth = Net(len(tokens), len(words) + 1), Net(len(tokens), len(words) + 1)
    net.word.weight.data.copy_(torch.from_numpy(np.load(args.data / "wordvec.npy")))
    mean = {k: v.clone() for k, v in net.state_dict().items()}
    tables = net.tables()
    others = [p for p in net.parameters() if all(p is not t for t in tables)]
    optimizer = torch.optim.AdamW([{"params": tables, "weight_decay": 0}, {"params": others}], lr=args.rate, weight_decay=.02)
    step, spent, path = 0, 0., args.out / "punctuate.pt"
    if path.exists():
        saved = torch.load(path)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        step, spent, mean = saved["step"], saved["spent"], saved["mean"]
    texts = {k: Texts(args.data / f"{k}.npz", 17 * step + i) for i, k in enumerate(SHARES)}
    batches = Batches(texts, tokens, words, np.random.default_rng(1000 + step))
    losses, begin, told, done = [], time.process_time() - spent, spent, False
    while not done:
        spent = time.process_time() - begin
        progress = spent / 60 / args.minutes
        done = progress >= 1
        rate = args.rate * min(1, (step + 1) / 200) * max(.01, .5 * (1 + np.cos(np.pi * min(1, progress))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        *fields, marks = batches.next()
        loss = functional.cross_entropy(net(*fields).reshape(-1, CLASSES), marks.reshape(-1), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.)
        optimizer.step()
        step += 1
        decay = min(.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for k, v in net.state_dict().items():
                if v.dtype.is_floating_point:
                    mean[k].lerp_(v, 1 - decay)
                else:
                    mean[k].copy_(v)
        losses.append(loss.item())
        if spent - told >= 60 or done:
            told = spent
            smooth.load_state_dict(mean)
            held, f1 = development(smooth, args.data / "dev.npz")
            print(json.dumps({"step": step, "loss": round(float(np.mean(losses)), 4), "rate": round(rate, 6), "cpu_seconds": round(spent),
                              "development_loss": round(float(held), 4), "f1": round(float(f1), 4)}), flush=True)
            losses = []
            torch.save({"net": net.state_dict(), "mean": mean, "optimizer": optimizer.state_dict(), "step": step, "spent": spent}, path)


if __name__ == "__main__":
    main()
