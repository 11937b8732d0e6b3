"""The language model's figures: perplexity and how often its first choice is right, on held-out texts, as trained and as exported."""
import argparse
import pathlib

import numpy as np
import torch
from torch.nn import functional as F

from export import load
from text import CLASSES, MARKS, UNKNOWN, streams


def measure(net, text, reach, places, rng):
    """-> perplexity, share right at once, among the best five, mean log of the sum over all classes."""
    at = rng.choice(np.flatnonzero(text[reach:-reach - 1] >= MARKS) + reach, places, replace=False)
    windows = torch.from_numpy(np.stack([text[i - reach:i + reach + 1] for i in at], 1).astype(np.int64))
    wanted = windows[reach].clone()
    windows[reach] = UNKNOWN  # the place itself is never looked at; this proves it
    loss = right = five = total = 0.0
    with torch.no_grad():
        for x, w in zip(windows.split(512, 1), wanted.split(512)):
            z = net.scores(net(x)[reach])
            loss += F.cross_entropy(z, w, reduction="sum").item()
            best = z.topk(5, 1).indices
            right += (best[:, 0] == w).sum().item()
            five += (best == w[:, None]).any(1).sum().item()
            total += torch.logsumexp(z, 1).sum().item()
    return np.exp(loss / places), right / places, five / places, total / places


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, help="folder of data; default: the environment's COURTSENSE_DATA")
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="folder to keep the texts' classes in; that of the training will do")
    parser.add_argument("--places", type=int, default=4000)
    args = parser.parse_args()
    if args.data:
        import corpus
        corpus.use(args.data)
    print("| weights | texts | context | perplexity | right | among five | mean log sum |\n|---|---|---|---|---|---|---|")
    for exported in (False, True):
        net, _ = load(args.checkpoint, exported)
        assert net.sizes["classes"] == CLASSES, "the checkpoint was made for another set of characters"
        for kind, text in zip(("statutes", "cases"), streams("held", args.cache)):
            for reach in (4, 8, 12, 16, 24, 40) if exported else (16,):
                row = measure(net, text, reach, args.places, np.random.default_rng(7))
                print(f"| {'exported' if exported else 'trained'} | {kind} | {reach} | {row[0]:.2f} | {row[1]:.3f} | {row[2]:.3f} | {row[3]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
