"""Trains the punctuator.

    OPENBLAS_CORETYPE=SKYLAKEX OMP_NUM_THREADS=1 /usr/bin/python3 models/training/speech/punctuate/train.py --data WORK/punctuate --out WORK/punctuate --minutes 20

Interrupted, it resumes from the checkpoint in --out. Paragraphs follow one another in a piece, each beginning and ending at ids 0, as at inference.
At some places the text behind is hidden, as at the end of what was heard so far.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional

from net import CLASSES, LEFT, RIGHT, Net

SHARES = {"cases": .55, "conversation": .08, "news": .07, "statutes": .30}
PIECE, BATCH = 256, 12
HIDDEN = .02
"""Share of the characters at which what follows is hidden."""


class Texts:
    """Draws pieces of a kind of text, paragraph by paragraph in an order of its own."""

    def __init__(self, path, seed):
        data = np.load(path)
        self.ids, self.marks, self.lengths = data["ids"].astype(np.int64), data["marks"].astype(np.int64), data["lengths"]
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.rng, self.order = np.random.default_rng(seed), []

    def piece(self):
        ids, marks = [np.zeros(LEFT, np.int64)], []
        size = 0
        while size < PIECE:
            if not len(self.order):
                self.order = list(self.rng.permutation(len(self.lengths)))
            i = self.order.pop()
            length = int(self.lengths[i])
            start = self.starts[i]
            if length > PIECE // 2:  # long paragraphs would crowd out the short ones
                cut = int(self.rng.integers(0, length - PIECE // 2 + 1))
                start, length = start + cut, PIECE // 2
            end = length
            if self.rng.random() < HIDDEN * length / 4:
                end = int(self.rng.integers(1, length + 1))
            ids.append(self.ids[start:start + end])
            marks.append(self.marks[start:start + end])
            gap = RIGHT if self.rng.random() < .5 else LEFT
            ids.append(np.zeros(gap, np.int64))
            marks.append(np.full(gap, -1, np.int64))
            size += end + gap
        ids = np.concatenate(ids + [np.zeros(RIGHT, np.int64)])[:LEFT + PIECE + RIGHT]
        return ids, np.concatenate(marks)[:PIECE]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=20, help="CPU minutes, of all runs together; the learning rate falls along them")
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    characters = len((args.data / "tokens.txt").read_text(encoding="utf-8").splitlines())
    net = Net(characters)
    mean = {k: v.clone() for k, v in net.state_dict().items()}
    optimizer = torch.optim.AdamW([{"params": [net.pair.weight, net.single.weight], "weight_decay": 0}, {"params": [p for n, p in net.named_parameters() if "single" not in n and "pair" not in n]}], lr=args.rate, weight_decay=.01)
    step, spent, path = 0, 0., args.out / "punctuate.pt"
    if path.exists():
        saved = torch.load(path)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        step, spent, mean = saved["step"], saved["spent"], saved["mean"]
    texts = {k: Texts(args.data / f"{k}.train.npz", 17 * step + i) for i, k in enumerate(SHARES)}
    rng = np.random.default_rng(1000 + step)
    kinds, shares = list(SHARES), np.array(list(SHARES.values()))
    losses, begin = [], time.process_time() - spent
    done = False
    while not done:
        spent = time.process_time() - begin
        done = spent >= 60 * args.minutes
        rate = args.rate * min(1, (step + 1) / 200) * max(.02, .5 * (1 + np.cos(np.pi * min(1, spent / 60 / args.minutes))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = [texts[kinds[k]].piece() for k in rng.choice(len(kinds), BATCH, p=shares)]
        ids, marks = torch.from_numpy(np.stack([b[0] for b in batch])), torch.from_numpy(np.stack([b[1] for b in batch]))
        loss = functional.cross_entropy(net(ids).reshape(-1, CLASSES), marks.reshape(-1), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        decay = min(.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for k, v in net.state_dict().items():
                if v.dtype.is_floating_point:
                    mean[k].lerp_(v, 1 - decay)
                else:
                    mean[k].copy_(v)
        losses.append(loss.item())
        if step % 100 == 0:
            print(json.dumps({"step": step, "loss": round(float(np.mean(losses)), 4), "rate": round(rate, 6), "cpu_seconds": round(spent)}), flush=True)
            losses = []
        if step % 250 == 0 or done:
            torch.save({"net": net.state_dict(), "mean": mean, "optimizer": optimizer.state_dict(), "step": step, "spent": spent}, path)


if __name__ == "__main__":
    main()
