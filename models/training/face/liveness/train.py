"""Trains the liveness network on drawn scenes.

python3 models/training/face/liveness/train.py --scenes WORK --out WORK [--minutes 10]

The target is the class by construction, softened by what the teachers say: a third of the weight of "live" or not is theirs, wherever they
are on the right side. The learning rate follows the minutes of CPU time; interrupted, it resumes from WORK/liveness.pt.
"""
import argparse
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional as F

from net import Liveness
from recapture import KINDS, LIVE

BATCH = 96
TAUGHT = 0.33                            # the teachers' part of the target


def load(folder, people):
    """All shards of some people: crops, labels, kinds, live."""
    parts = [dict(np.load(p)) for p in sorted(folder.glob(f"{people}-????.npz"))]
    return {k: torch.from_numpy(np.concatenate([p[k] for p in parts])) for k in parts[0]}


def targets(labels, live):
    """Class shares [B, 3]: by construction, moved by the teachers' probability of "live" where it is on the right side of a half."""
    hard = F.one_hot(labels, 3).float()
    agrees = (live > 0.5) == (labels == LIVE)
    wanted = torch.where(agrees, (1 - TAUGHT) * hard[:, LIVE] + TAUGHT * live, hard[:, LIVE])
    rest = hard.clone()
    rest[:, LIVE] = 0
    rest = torch.where(labels[:, None] == LIVE, torch.tensor([0.5, 0.0, 0.5]), rest) * (1 - wanted)[:, None]
    rest[:, LIVE] = wanted
    return rest


def vary(x):
    """Mirrors, moves by up to 3 pixels and changes the light of a batch, all at once."""
    flip = torch.rand(len(x)) < 0.5
    x[flip] = x[flip].flip(3)
    dx, dy = (int(v) for v in torch.randint(-3, 4, (2,)))
    x = F.pad(x, (3, 3, 3, 3), mode="replicate")[:, :, 3 + dy:83 + dy, 3 + dx:83 + dx]
    gain, shift = 1 + 0.1 * torch.randn(len(x), 1, 1, 1), 10 * torch.randn(len(x), 1, 1, 1)
    return (x * gain * (1 + 0.04 * torch.randn(len(x), 3, 1, 1)) + shift).clamp(0, 255)


def check(net, data):
    """Rates of error at a half, per kind."""
    net.eval()
    with torch.no_grad():
        live = torch.cat([net(data["crops"][i:i + 256].permute(0, 3, 1, 2).float()).softmax(1)[:, LIVE] for i in range(0, len(data["crops"]), 256)])
    net.train()
    wrong = (live > 0.5) != (data["labels"] == LIVE)
    return ", ".join(f"{'live' if k < 0 else KINDS[k]} {100 * wrong[data['kinds'] == k].float().mean():.1f}" for k in range(-1, len(KINDS)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=10, help="of CPU time, resumed runs counted in")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "liveness.pt"
    net, average, step, spent = Liveness().to(memory_format=torch.channels_last), Liveness(), 0, 0.0
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.02)
    average.load_state_dict(net.state_dict())
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["spent"]
        print(f"resumed at step {step}, {spent / 60:.1f} min")
    torch.manual_seed(args.seed + step)
    data, held = load(args.scenes, "training"), load(args.scenes, "held-out")
    history, began = [], time.process_time() - spent
    while True:
        spent = time.process_time() - began
        share = min(1, spent / (60 * args.minutes))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * share)))
        rows = torch.randint(len(data["crops"]), (BATCH,))
        x = vary(data["crops"][rows].permute(0, 3, 1, 2).float()).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(net(x), targets(data["labels"][rows], data["live"][rows]), label_smoothing=0.02)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        history.append(loss.item())
        if step % 100 == 0 or share == 1:
            print(f"step {step} {spent / 60:.1f} min, {len(data['crops'])} crops: loss {np.mean(history[-100:]):.4f}; held-out people, errors in %: {check(average, held)}", flush=True)
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "spent": spent}, checkpoint)
            data = load(args.scenes, "training") if step % 500 == 0 else data     # scenes.py may still be drawing
        if share == 1:
            return


if __name__ == "__main__":
    main()
