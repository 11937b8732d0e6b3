"""Fits the gate that spares most frames the classifier of all characters.

python3 models/training/ocr/recognise/gate.py --checkpoint OUT/recognise.pt [...] --out OUT [--data DATA] [--lines 4000] [--temperature 1] [--seed 9]

Two frames of three are blank, most characters are read in two frames of which only the surer one counts, and a frame's 7,380 scores cost more than
the whole network below. A small layer on the frame's features learns which frames `needed` says matter; its threshold is set so that on fresh lines it
closes at most one in 300 of those that are read as characters. OUT/gate.pt holds it, with the threshold in its bias: open above 0.
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
from crops import load, shaken
from lines import Renderer
from net import Gate, nearly_said
from train import pack, tensor

MISSED = 1 / 300
SURE = 0.8                       # so sure must the frame be that another is spared for


def shifted(v, k):
    """[N, T] -> the values `k` frames to the right (to the left, if negative), 0 beyond the ends."""
    pad = torch.zeros_like(v[:, :abs(k)])
    return torch.cat([v[:, k:], pad], 1) if k > 0 else torch.cat([pad, v[:, :k]], 1)


def spare(scores, kind, centre):
    """[N, T] -> whether a frame may stay away because its neighbour, which is sure and nearer to the character's centre (`centre`, in frames from the
    frame's own), reads the same. So of two frames with one reading one stays, of three the middle; longer runs stay whole: a gap in one would say
    the character twice."""
    found = torch.zeros_like(kind, dtype=torch.bool)
    far = centre.abs()
    for k in (1, -1):
        same = (kind > 0) & (shifted(kind, k) == kind) & (shifted(kind, -k) != kind)
        better = (shifted(scores, k) >= SURE) & (shifted(far, k) < far)
        two = shifted(kind, 2 * k) != kind
        three = (shifted(kind, 2 * k) == kind) & (shifted(kind, 3 * k) != kind) & (shifted(far, k) < shifted(far, 2 * k))
        found |= same & better & (two | three)
    return found


def needed(scores, classes, boxes, space):
    """The classifier's answers in every frame -> [N, T] whether a frame is read as a character and not to spare; whether it is a blank that would be heard
    as something else (`nearly_said`)."""
    return ((classes[..., 0] > 0) & ~spare(scores[..., 0], classes[..., 0], (boxes[..., 0] + boxes[..., 2]) / 2), nearly_said(scores, classes, space))


@torch.no_grad()
def frames(net, lines, temperature):
    """-> batch by batch: features [n, 144]; whether a frame is read and needed, whether it is nearly said, whether it is read at all [n]."""
    lines = sorted(lines, key=lambda line: line.image.shape[1])
    for i in range(0, len(lines), 16):
        f = net(tensor(torch.from_numpy(pack(lines[i:i + 16]))))
        scores, classes = net.read(f).div(temperature).softmax(-1).topk(2, -1)
        yield [v.flatten(0, 1) for v in (f, *needed(scores, classes, net.place(f), net.read.out_features - 1), classes[..., 0] > 0)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=4000, help="half of them drawn, half from OUT/crops")
    parser.add_argument("--temperature", type=float, default=1.0, help="as for export.py")
    parser.add_argument("--seed", type=int, default=9)
    args = parser.parse_args()
    from export import load as network
    if args.data:
        corpus.use(args.data)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    renderer, sampler = Renderer(args.out / "atlas", "train"), corpus.Sampler(rng, "train")
    lines = [renderer.line(rng, sampler) for _ in range(args.lines // 2)]
    files = sorted((args.out / "crops").glob("*.npz"))
    for path in rng.choice(files, min(6, len(files)), replace=False):
        found = load(path)
        lines += [shaken(rng, found[i]) for i in rng.permutation(len(found))[:args.lines // 12]]
    batches = list(frames(network(args.checkpoint), lines, args.temperature))
    features, wanted, heard, _ = (torch.cat(v) for v in zip(*(b for i, b in enumerate(batches) if i % 4)))
    gate = Gate(features.shape[1])
    optimizer = torch.optim.Adam(gate.parameters(), 5e-3)
    # A character lost costs far more than a frame classified for nothing.
    target, weight = (wanted | heard).float(), 1 + 20 * wanted.float() + 10 * heard.float()
    for step in range(1500):
        optimizer.param_groups[0]["lr"] = 5e-3 * (1 - step / 1500)
        rows = torch.randint(len(features), (2048,))
        loss = F.binary_cross_entropy_with_logits(gate(features[rows]), target[rows], weight=weight[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    features, wanted, _, read = (torch.cat(v) for v in zip(*batches[::4]))
    with torch.no_grad():
        found = gate(features)[wanted].sort()[0]
        gate.out.bias -= found[int(len(found) * MISSED)] - 0.05
        score = gate(features)
    torch.save(gate.state_dict(), args.out / "gate.pt")
    print(f"{len(features)} frames, {100 * read.float().mean():.1f} % read as characters, {100 * wanted.float().mean():.1f} % needed; open: "
          f"{100 * (score > 0).float().mean():.1f} %; closed among those needed: {int((score[wanted] <= 0).sum())} of {len(found)}")


if __name__ == "__main__":
    main()
