"""Trains the text detector from random weights on crops of the pool that data.py draws; resumes from OUT/detect.pt, whether its own or restore.py's.

python3 models/training/ocr/detect/train.py --pool POOL --out OUT [--steps 6000 | --minutes M] [--batch 8] [--crop 384] [--seed 1]

The pool may still grow while training runs: each step draws from what is there. A crop is scaled so that a court page's characters are
as large as when its longer side is 960 pixels, within a factor of 1.5 either way, or up to 3.6 times larger. Loss: cross entropy on the
kernels and on the hardest pixels beside them (three for one), and Dice (Liao et al. 2020). A line's ends weigh more on both sides:
the paper behind them parts a table's cells, and what a kernel lacks there is a character that is not read.
"""
import argparse
import itertools
import json
import pathlib
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

import kernels
from net import MEAN, STD, STRIDE, TextDetector

CACHED = 1500                    # decoded pictures kept in memory
END_WEIGHT = 3
TALLEST = 230                    # pixels that a line may be high in a crop
REFRESH = 400                    # crops between looks at the pool's folder


class Crops(torch.utils.data.IterableDataset):
    """(crop uint8 [3, h, w] BGR, truth uint8 [h/2, w/2]: 1 kernel, 2 the rest of a line, 3 around its ends, 4 kernel near its ends,
    0 elsewhere)."""

    def __init__(self, pool, crop, seed):
        self.pool, self.crop, self.seed = pool, crop, seed

    def __iter__(self):
        cv2.setNumThreads(1)
        rng, cache, count = np.random.default_rng(self.seed), {}, 0
        while True:
            if count % REFRESH == 0:
                names = sorted(self.pool.glob("*.json"))
            count += 1
            name = names[rng.integers(len(names))]
            if name not in cache:
                if len(cache) >= CACHED:
                    cache.pop(next(iter(cache)))
                cache[name] = cv2.imread(str(name.with_suffix(".jpg"))), [np.array(o) for o in json.loads(name.read_text())]
            yield self.sample(rng, *cache[name])

    def sample(self, rng, image, outlines):
        side = self.crop
        low, high = (0.55, 1.2) if rng.random() < 0.7 else (1.2, 3.0)
        scale = np.exp(rng.uniform(np.log(low), np.log(high)))
        span = np.array(image.shape[1::-1])
        middle = outlines[rng.integers(len(outlines))] if outlines and rng.random() < 0.8 else None
        if middle is not None:
            n = len(middle) // 2
            scale = min(scale, TALLEST / max(1.0, float(np.linalg.norm(middle[:n] - middle[n:][::-1], axis=1).mean())))
        stretch = np.array([1, np.exp(rng.normal(0, 0.06))]) * scale
        want = side / stretch
        if middle is not None:
            middle = middle[rng.integers(len(middle))] + rng.normal(0, 0.25, 2) * want
        else:
            middle = rng.uniform(0, 1, 2) * span
        low = np.clip(middle - want / 2, np.minimum(0, (span - want) / 2), np.maximum(span - want, (span - want) / 2))
        # Corner of the crop in the picture and the affine map into it; outside is white, grey or black, as padding is.
        matrix = np.array([[stretch[0], 0, -low[0] * stretch[0]], [0, stretch[1], -low[1] * stretch[1]]])
        shifted = matrix.copy()
        shifted[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
        soft = image if scale > 0.8 else cv2.GaussianBlur(image[self._window(low, want, span)], (0, 0), 0.28 / scale)
        if scale <= 0.8:
            shifted[:, 2] += matrix[:, :2] @ np.maximum(0, np.floor(low) - 4)
        edge = float(rng.choice([255, 255, 255, 0, 128]))
        crop = cv2.warpAffine(soft, shifted, (side, side), flags=cv2.INTER_LINEAR, borderValue=(edge,) * 3)
        truth = np.zeros((side // STRIDE, side // STRIDE), np.uint8)
        moved = [o @ matrix[:, :2].T + matrix[:, 2] for o in outlines]
        moved = [o for o in moved if (o.max(0) > 0).all() and (o.min(0) < side).all()]
        for o in moved:
            kernels.fill(truth, o, 2, 1 / STRIDE)
        for o in moved:
            for cap in kernels.caps(o):
                kernels.fill(truth, cap, 3, 1 / STRIDE)
        for o in moved:
            kernels.fill(truth, kernels.kernel(o), 1, 1 / STRIDE)
            for tip in kernels.tips(o):
                kernels.fill(truth, tip, 4, 1 / STRIDE)
        crop = self._light(rng, crop)
        turns = int(rng.choice(4, p=[0.8, 0.07, 0.06, 0.07]))
        crop, truth = np.rot90(crop, turns), np.rot90(truth, turns)
        return np.ascontiguousarray(crop.transpose(2, 0, 1)), np.ascontiguousarray(truth)

    @staticmethod
    def _window(low, want, span):
        a = np.maximum(0, np.floor(low) - 4).astype(int)
        b = np.minimum(span, np.ceil(low + want) + 4).astype(int)
        return slice(a[1], b[1]), slice(a[0], b[0])

    @staticmethod
    def _light(rng, crop):
        if rng.random() < 0.12:
            crop = 255 - crop
        if rng.random() < 0.5:
            contrast = rng.uniform(0.5, 1.15)
            crop = cv2.convertScaleAbs(crop, alpha=contrast, beta=rng.uniform(0, 255 * max(0, 1 - contrast)))
        if rng.random() < 0.15:
            crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        return crop


def losses(logits, truth):
    """Cross entropy and Dice."""
    wanted = ((truth == 1) | (truth == 4)).float()
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * (1 + (END_WEIGHT - 1) * (truth >= 3))
    positive = wanted.sum()
    beside = each[wanted == 0]
    hardest = beside.topk(int(min(beside.numel(), max(3 * positive.item(), 2000))), sorted=False).values
    entropy = ((each * wanted).sum() + hardest.sum()) / (positive + len(hardest))
    p = torch.sigmoid(logits)
    dice = 1 - 2 * (p * wanted).sum() / (p.sum() + positive + 1)
    return entropy, dice


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, help="end by the clock instead, after this long, whatever the number of steps")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=384, help="width and height of a crop, a multiple of 32")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "detect.pt"

    net, average, start = TextDetector().to(memory_format=torch.channels_last), TextDetector(), 0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"])
        if "optimizer" in saved:                                                   # restore.py's has none
            optimizer.load_state_dict(saved["optimizer"])
            start = saved["step"]
        print(f"resumed at step {start}", flush=True)
    loader = iter(torch.utils.data.DataLoader(Crops(args.pool, args.crop, [args.seed, start]), args.batch, num_workers=1, prefetch_factor=4))
    mean, std = (255 * torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    began, history = time.time(), []
    net.train()
    for step in itertools.count(start):
        share = (time.time() - began) / 60 / args.minutes if args.minutes else step / args.steps
        last = share >= 1 or not args.minutes and step + 1 == args.steps
        if step == args.steps and not args.minutes:
            break
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step - start + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(1, share))))
        crops, truth = next(loader)
        x = ((crops - mean) / std).contiguous(memory_format=torch.channels_last)
        entropy, dice = losses(net(x)[:, 0], truth)
        optimizer.zero_grad()
        (2 * entropy + dice).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()
        keep = min(0.996, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        history.append((entropy.item(), dice.item()))
        if (step + 1) % 25 == 0 or last:
            print(f"step {step + 1} ({share:.0%}) entropy {np.mean([h[0] for h in history[-25:]]):.4f} dice {np.mean([h[1] for h in history[-25:]]):.4f} "
                  f"{time.time() - began:.0f} s, {time.process_time():.0f} s of CPU", flush=True)
        if (step + 1) % 100 == 0 or last:
            part = checkpoint.with_suffix(".part")
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, part)
            part.replace(checkpoint)
        if last:
            break


if __name__ == "__main__":
    main()
