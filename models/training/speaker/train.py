"""Trains the speaker embedding on the voices that voices.py gathered; resumes from OUT/speaker.pt where that exists.

python3 models/training/speaker/train.py --data WORK/speaker --noise DATA/noise --out WORK/speaker [--steps 2400] [--batch 48] [--seed 1]

Every 200 steps the equal error rate of held-out speakers in noise is printed.
"""
import argparse
import pathlib
import sys
import time

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "speech"))
from features import fbank
from measure import equal_error, trials
from net import Embedder, Margin
from sounds import Voices
from store import RATE, Store

MARGIN = 0.2


def masked(x, rng):
    """Features [B, T, 80] with a few bands and frames at their mean (Park et al. 2019)."""
    for one in x:
        if rng.random() < 0.5:
            width, at = rng.integers(2, 11), rng.integers(0, 70)
            one[:, at:at + width] = 0
        if rng.random() < 0.3:
            width, at = rng.integers(2, 20), rng.integers(0, len(one) - 20)
            one[at:at + width] = 0
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1), torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint, store = args.out / "speaker.pt", Store(args.data, "voices")
    voices = Voices(store, args.noise, args.seed)
    check = trials(store, args.noise)
    net, average, head, start = Embedder().to(memory_format=torch.channels_last), Embedder(), Margin(len(voices.classes)), 0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW([{"params": net.parameters()}, {"params": head.parameters()}], lr=args.rate, weight_decay=1e-2)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), head.load_state_dict(saved["head"])
        optimizer.load_state_dict(saved["optimizer"])
        start = saved["step"]
    print(f"{len(voices.classes)} classes, {sum(p.numel() for p in net.parameters())} parameters, from step {start}", flush=True)
    began, used, losses, hits = time.time(), time.process_time(), [], []
    for step in range(start, args.steps):
        rng = np.random.default_rng([args.seed, step, 1])
        rate = args.rate * min(1, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / args.steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        labels, sounds = zip(*(voices.item(step * args.batch + k) for k in range(args.batch)))
        length = int(RATE * rng.uniform(1.0, 2.0))
        with torch.no_grad():
            x = fbank(torch.from_numpy(np.stack(sounds))[:, :length])
            x = masked(x - x.mean(1, keepdim=True), rng)
        net.train()
        loss, hit = head(net(x), torch.tensor(labels), MARGIN * min(1, max(0, step / args.steps - 0.1) / 0.4))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        optimizer.step()
        keep = min(0.99, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        losses.append(loss.item()), hits.append(hit.item())
        if (step + 1) % 50 == 0 or step + 1 == args.steps:
            print(f"step {step + 1}/{args.steps} loss {np.mean(losses[-50:]):.3f} right {np.mean(hits[-50:]):.3f} "
                  f"{time.time() - began:.0f} s, {time.process_time() - used:.0f} s of processor", flush=True)
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "head": head.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step + 1}, checkpoint)
        if (step + 1) % 200 == 0 or step + 1 == args.steps:
            rates = " ".join(f"{name} {100 * equal_error(average, *t):.1f} %" for name, t in check.items())
            print(f"held-out speakers, equal error: {rates}", flush=True)


if __name__ == "__main__":
    main()
