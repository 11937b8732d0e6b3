"""Fits the gate that spares most frames the classifier of all characters.

python3 models/training/ocr/recognise/gate.py --checkpoint OUT/recognise.pt [...] --out OUT [--data DATA] [--lines 3000] [--seed 9]

Two frames of three are blank, and their 7,380 scores cost more than the whole network below. A small layer on the frame's features
learns where the trained classifier is sure of the blank; its threshold is set so that on fresh lines it closes at most one in 3,000 of
the frames where the classifier reads a character. OUT/gate.pt holds it, with the threshold in its bias: open above 0.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import corpus
from crops import load
from fonts import TRAIN, REGIONAL
from lines import Renderer
from net import Gate
from train import pack, tensor

MISSED = 1 / 3000


@torch.no_grad()
def frames(net, lines):
    """-> features [n, 144], probability of the blank [n], whether a character is read [n]."""
    parts = []
    lines = sorted(lines, key=lambda line: line.image.shape[1])
    for i in range(0, len(lines), 16):
        f = net(tensor(torch.from_numpy(pack(lines[i:i + 16])))).flatten(0, 1)
        scores = net.read(f)
        parts.append((f, scores.softmax(-1)[:, 0], scores.argmax(-1) > 0))
    return [torch.cat(p) for p in zip(*parts)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=9)
    args = parser.parse_args()
    from export import load as network
    if args.data:
        corpus.use(args.data)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    renderer, sampler = Renderer(args.out / "atlas", "train", TRAIN + REGIONAL), corpus.Sampler(rng, "train")
    lines = [renderer.line(rng, sampler) for _ in range(args.lines)]
    for path in sorted((args.out / "crops").glob("*.npz"))[-2:]:
        found = load(path)
        lines += [found[i] for i in rng.permutation(len(found))[:args.lines // 4]]
    rng.shuffle(lines)
    features, blank, read = frames(network(args.checkpoint), lines)
    kept = len(features) * 3 // 4
    gate = Gate(features.shape[1])
    optimizer = torch.optim.Adam(gate.parameters(), 3e-3)
    wanted = (blank < 0.9).float()
    for step in range(1500):
        optimizer.param_groups[0]["lr"] = 3e-3 * (1 - step / 1500)
        rows = torch.randint(kept, (4096,))
        # A character lost costs far more than a blank classified for nothing.
        loss = F.binary_cross_entropy_with_logits(gate(features[rows]), wanted[rows], weight=1 + 20 * read[rows].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = gate(features[kept:])
        found = score[read[kept:]].sort()[0]
        gate.out.bias -= found[int(len(found) * MISSED)] - 0.05
        score = gate(features[kept:])
    torch.save(gate.state_dict(), args.out / "gate.pt")
    print(f"{len(features)} frames, {100 * read.float().mean():.1f} % read as characters; open: {100 * (score > 0).float().mean():.1f} %; "
          f"closed among those read: {int((score[read[kept:]] <= 0).sum())} of {len(found)}")


if __name__ == "__main__":
    main()
