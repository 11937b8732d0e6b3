"""Trains the face detector from random weights on mosaics of the pictures that data.py prepared; resumes from OUT/face.pt.

python3 models/training/face/detect/train.py --data DIR --out DIR [--steps 12000] [--batch 16] [--canvas 320] [--seed 1] [--threads 1] [--workers 1]

Cells are assigned to faces as in OTA-lite: cells near a face's centre, on the strides that suit its size, compete by overlap and
score; the best few (their number follows the overlaps) are taught. Losses: focal for objectness, cross entropy towards the
overlap for class, generalised overlap for boxes, smooth L1 for landmarks in units of the face's size.
"""
import argparse
import pathlib
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from mosaic import Faces, sample
from net import FaceDetector, cells, decode, flatten

# Face size in pixels (square root of area) that each stride may be taught; neighbours share a range.
RANGES = {8: (0, 56), 16: (30, 128), 32: (72, 1e4)}
CANDIDATES = 8                   # cells a face competes for, at most


class Mosaics(torch.utils.data.Dataset):
    """Item i is always the same mosaic, so that a run repeats."""

    def __init__(self, folder, canvas, items, seed):
        self.faces, self.items, self.seed = Faces(folder, canvas), items, seed

    def __len__(self):
        return self.items

    def __getitem__(self, i):
        return sample(self.faces, np.random.default_rng([self.seed, i]))


def generalised_overlap(a, b):
    """IoU and GIoU of corner boxes."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - common
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    iou = common / (union + 1e-6)
    return iou, iou - (hull - union) / (hull + 1e-6)


@torch.no_grad()
def assign(boxes, logits, targets, grid):
    """-> for each cell [B, N] the index of the target row it is taught, or -1; and the cells to leave alone, [B, N] bool."""
    teach, alone = targets[..., 15] == 1, targets[..., 15] == 0
    truth = targets[..., :4]
    at, stride = grid[:, :2] * grid[:, 2:], grid[:, 2]
    inside = ((at >= truth[:, :, None, :2]) & (at <= truth[:, :, None, 2:])).all(-1)
    size = (truth[..., 2:] - truth[..., :2]).clamp(min=1).prod(-1).sqrt()
    distance = (at - (truth[:, :, None, :2] + truth[:, :, None, 2:]) / 2).abs().amax(-1) / stride
    suits = torch.zeros_like(inside)
    for s, (low, high) in RANGES.items():
        suits |= (stride == s) & ((size >= low) & (size < high))[..., None]
    near = teach[..., None] & suits & (distance < 1.5)
    iou, _ = generalised_overlap(boxes[:, None], truth[:, :, None])
    score = torch.sigmoid(logits).prod(-1).sqrt()[:, None]
    cost = -3 * torch.log(iou + 1e-3) - torch.log(score + 1e-3) + 0.5 * distance
    cost = cost.masked_fill(~near, 1e6)
    best, index = cost.topk(CANDIDATES, 2, largest=False)
    wanted = torch.gather(iou * near, 2, index).sum(2).floor().clamp(2, CANDIDATES)
    chosen = (torch.arange(CANDIDATES) < wanted[..., None]) & (best < 1e5)
    taken = torch.zeros_like(near).scatter(2, index, chosen)
    owner = cost.masked_fill(~taken, 1e6).argmin(1)
    owner[~taken.any(1)] = -1
    return owner, (inside & alone[..., None]).any(1) & (owner < 0)


def losses(raw, targets, grid):
    """Objectness, class, box and landmark loss, each per taught cell."""
    boxes, points = decode(raw, grid)
    owner, ignored = assign(boxes, raw[..., :2], targets, grid)
    positive = owner >= 0
    b, n = positive.nonzero(as_tuple=True)
    rows = targets[b, owner[b, n]]
    count = max(1, len(b))
    iou, giou = generalised_overlap(boxes[b, n], rows[:, :4])
    # The teacher's score is the objectness to reach: surer faces, higher scores.
    wanted = torch.zeros_like(raw[..., 1])
    wanted[b, n] = (rows[:, 14] * 1.1).clamp(max=1.0)
    p = torch.sigmoid(raw[..., 1])
    focus = (wanted - p).abs().detach() ** 1.5
    objectness = (F.binary_cross_entropy_with_logits(raw[..., 1], wanted, reduction="none") * focus)[~ignored].sum() / count
    quality = torch.zeros_like(wanted)
    quality[b, n] = iou.detach().clamp(min=0.05)
    p = torch.sigmoid(raw[..., 0])
    focus = torch.where(positive, torch.ones_like(p), p.detach() ** 2)
    classes = (F.binary_cross_entropy_with_logits(raw[..., 0], quality, reduction="none") * focus)[~ignored].sum() / count
    size = (rows[:, 2:4] - rows[:, :2]).prod(-1, keepdim=True).sqrt().clamp(min=1)
    landmarks = F.smooth_l1_loss(points[b, n] / size, rows[:, 4:14] / size, beta=0.03)
    return objectness, classes, (1 - giou).mean() if len(b) else giou.sum(), landmarks if len(b) else giou.sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--canvas", type=int, default=320, help="width and height of a mosaic, a multiple of 32")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "face.pt"

    net, average, start = FaceDetector().to(memory_format=torch.channels_last), FaceDetector(), 0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=5e-4)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), optimizer.load_state_dict(saved["optimizer"])
        start = saved["step"]
        print(f"resumed at step {start}")
    data = Mosaics(args.data, args.canvas, args.steps * args.batch, args.seed)
    rest = torch.utils.data.Subset(data, range(start * args.batch, len(data)))
    loader = torch.utils.data.DataLoader(rest, args.batch, num_workers=args.workers, prefetch_factor=4)
    grid = cells(args.canvas, args.canvas)
    began, history = time.time(), []
    net.train()
    for step, (pictures, targets) in enumerate(loader, start):
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / args.steps)))
        targets = targets[:, :max(1, int((targets[..., 15] >= 0).sum(1).max()))]
        x = pictures.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        parts = losses(flatten(net(x)), targets, grid)
        loss = parts[0] + parts[1] + 2 * parts[2] + 40 * parts[3]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        keep = min(0.998, (step + 1) / (step + 50))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        history.append([v.item() for v in parts])
        if (step + 1) % 50 == 0 or step + 1 == args.steps:
            mean = np.mean(history[-50:], 0)
            print(f"step {step + 1}/{args.steps} obj {mean[0]:.3f} cls {mean[1]:.3f} box {mean[2]:.3f} points {mean[3]:.4f} "
                  f"{time.time() - began:.0f} s", flush=True)
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step + 1}, checkpoint)


if __name__ == "__main__":
    main()
