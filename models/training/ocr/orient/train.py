"""Trains the orientation network from random weights on the pieces that data.py kept; resumes from OUT/orient.pt.

python3 models/training/ocr/orient/train.py --tiles DIR --out DIR [--steps 8000] [--batch 40] [--minutes M] [--seed 1]

Every piece is turned a little, moved, scaled, changed in light and noise, and shown in all four directions. New shards that data.py
writes meanwhile are taken in. The learning rate falls with the steps or, where --minutes is given, with the time if that is sooner.
"""
import argparse
import pathlib
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from net import OrientNet
from tiles import TILE


def augmented(rng, piece):
    """One tile of a piece, float32."""
    side = piece.shape[0]
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(np.clip(rng.normal(0, 2), -6, 6)), float(rng.uniform(0.85, 1.25)))
    turn[:, 2] += rng.uniform(-10, 10, 2) - (side - TILE) / 2
    tile = cv2.warpAffine(piece, turn, (TILE, TILE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.2:
        tile = cv2.GaussianBlur(tile, (0, 0), float(rng.uniform(0.3, 0.9)))
    tile = tile.astype(np.float32)
    if rng.random() < 0.3:
        tile += rng.normal(0, rng.uniform(1, 12), tile.shape).astype(np.float32)
    tile = tile * rng.uniform(0.5, 1.1) + rng.uniform(-20, 20)
    if rng.random() < 0.08:
        tile = 255 - tile
    return np.clip(tile, 0, 255)


class Pieces:
    """The shards found so far, all in memory."""

    def __init__(self, folder):
        self.folder, self.seen, self.parts = folder, set(), []
        self.refresh()

    def refresh(self):
        for path in sorted(self.folder.glob("tiles-????.npz")):
            if path.name not in self.seen:
                with np.load(path) as shard:
                    self.parts.append((shard["pieces"], shard["vertical"]))
                self.seen.add(path.name)
        self.starts = np.cumsum([0] + [len(p[0]) for p in self.parts])

    def __len__(self):
        return int(self.starts[-1])

    def batch(self, rng, count):
        """`count` tiles: every piece appears in all four directions, which teaches faster than four pieces would."""
        x, vertical = np.empty((count, 1, TILE, TILE), np.float32), np.empty((count, 1), np.float32)
        turns = np.arange(count) % 4
        for i, k in enumerate(rng.integers(0, len(self), count // 4)):
            part = int(np.searchsorted(self.starts, k, "right")) - 1
            pieces, flags = self.parts[part]
            tile = augmented(rng, pieces[k - self.starts[part]])
            for quarter in range(4):
                x[4 * i + quarter, 0] = np.rot90(tile, -quarter)
            vertical[4 * i:4 * i + 4] = flags[k - self.starts[part]]
        return torch.from_numpy(x), torch.from_numpy(turns), torch.from_numpy(vertical)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="end after so long, 0 for no limit")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "orient.pt"
    net, average, start = OrientNet().to(memory_format=torch.channels_last), OrientNet(), 0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), optimizer.load_state_dict(saved["optimizer"])
        start = saved["step"]
        print(f"resumed at step {start}")
    data, began, history, past = Pieces(args.tiles), time.time(), [], saved.get("seconds", 0) if start else 0

    def save(step, seconds):
        torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "seconds": seconds}, checkpoint)

    net.train()
    for step in range(start, args.steps):
        seconds = past + time.time() - began
        done = max(step / args.steps, seconds / 60 / args.minutes if args.minutes else 0)
        if done >= 1:
            save(step, seconds)
            break
        if step % 200 == 0:
            data.refresh()
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
        x, turns, vertical = data.batch(np.random.default_rng([args.seed, step]), args.batch)
        logits, down = net(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits, turns) + 0.2 * F.binary_cross_entropy_with_logits(down, vertical)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        keep = min(0.998, (step + 1) / (step + 50))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        history.append((loss.item(), (logits.argmax(1) == turns).float().mean().item(), ((down > 0) == (vertical > 0.5)).float().mean().item()))
        if (step + 1) % 50 == 0 or step + 1 == args.steps:
            mean = np.mean(history[-50:], 0)
            print(f"step {step + 1}/{args.steps} loss {mean[0]:.4f} tiles right {100 * mean[1]:.2f} % vertical {100 * mean[2]:.2f} % "
                  f"of {len(data)} pieces {seconds:.0f} s", flush=True)
            save(step + 1, seconds)


if __name__ == "__main__":
    main()
