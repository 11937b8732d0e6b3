"""Trains the landmark network on portraits whose points move with the picture.

python3 models/training/face/landmarks/train.py --data DIR --labels FILE --check FILE --out WORK [--minutes 15]

--labels and --check are what labels.py wrote for the training and the held-out people. The learning rate follows the minutes of CPU
time that the run has had in all; interrupted, it resumes from WORK/landmarks.pt.
"""
import argparse
import pathlib
import sys
import time

import cv2
import numpy as np
import torch

from labels import MIRROR, POINTS, SIDE, carry, square
from net import Landmarks

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "embed"))
from views import spoil

BATCH = 64
# Eyes and mouth weigh more: their openness is what the points are used for.
WEIGHT = np.ones(POINTS, np.float32)
WEIGHT[60:76], WEIGHT[76:98] = 3, 2
# Pairs of points, upper and lower, whose distance is the openness of right eye, left eye and mouth.
LIDS = [(61, 67), (62, 66), (63, 65), (69, 75), (70, 74), (71, 73), (89, 95), (90, 94), (91, 93)]


def bend(crop, points, rng):
    """Moves the features smoothly, and the points with them."""
    n = int(rng.integers(3, 7))
    field = cv2.resize(rng.normal(0, rng.uniform(0.5, 3), (n, n, 2)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    crop = cv2.remap(crop, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR)
    moved = points.copy()
    for _ in range(3):                   # where the backward map meets the point, by fixed-point iteration
        at = moved.astype(np.float32).reshape(-1, 1, 2)
        moved = points - cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 2)
    return crop, moved


class Crops(torch.utils.data.IterableDataset):
    """Endless pairs of an RGB crop (uint8) and its points as shares of the crop; its worker draws from `seed` on."""

    def __init__(self, folder, labels, seed):
        self.pictures, self.labels, self.seed = np.load(folder / "pictures.npy", mmap_mode="r"), dict(np.load(labels)), seed

    def draw(self, k, rng):
        picture, points = np.asarray(self.pictures[self.labels["index"][k]])[:, :, ::-1], self.labels["points"][k]
        warp = square(self.labels["box"][k], rng, rng.choice([1, 2, 3.5]))
        crop, points = cv2.warpAffine(picture, warp, (SIDE, SIDE)), carry(points, warp)
        if rng.random() < 0.4:
            crop, points = bend(crop, points, rng)
        if rng.random() < 0.5:
            crop, points = np.ascontiguousarray(crop[:, ::-1]), np.stack([SIDE - 1 - points[:, 0], points[:, 1]], 1)[MIRROR]
        return spoil(crop, rng, rng.uniform(0, 1.3)), ((points + 0.5) / SIDE).astype(np.float32)

    def __iter__(self):
        rng = np.random.default_rng(self.seed)
        while True:
            yield self.draw(int(rng.integers(len(self.labels["index"]))), rng)


def normalise(crops):
    return (crops.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def openness(points):
    """Lid distances, as shares of the crop, [B, 9]."""
    return torch.stack([(points[:, a] - points[:, b]).norm(dim=-1) for a, b in LIDS], 1)


def check(net, pictures, labels):
    """Mean error on plain crops, in distances of the outer eye corners."""
    crops = np.stack([cv2.warpAffine(np.asarray(pictures[i])[:, :, ::-1], square(b), (SIDE, SIDE)) for i, b in zip(labels["index"], labels["box"])])
    truth = np.stack([carry(p, square(b)) for p, b in zip(labels["points"], labels["box"])])
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(normalise(torch.from_numpy(crops[i:i + 64]))) for i in range(0, len(crops), 64)]).numpy().reshape(-1, POINTS, 2) * SIDE - 0.5
    net.train()
    return (np.linalg.norm(found - truth, axis=2).mean(1) / np.linalg.norm(truth[:, 60] - truth[:, 72], axis=1)).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--labels", type=pathlib.Path, required=True)
    parser.add_argument("--check", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=15, help="of CPU time, resumed runs counted in")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "landmarks.pt"
    net, average, step, spent = Landmarks().to(memory_format=torch.channels_last), Landmarks(), 0, 0.0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["spent"]
        print(f"resumed at step {step}, {spent / 60:.1f} min")
    held = dict(np.load(args.check))
    pictures = np.load(args.data / "pictures.npy", mmap_mode="r")
    loader = iter(torch.utils.data.DataLoader(Crops(args.data, args.labels, [args.seed, step]), BATCH, num_workers=1, prefetch_factor=4))
    weight, history, began = torch.from_numpy(WEIGHT), [], time.process_time() - spent
    while True:
        spent = time.process_time() - began
        share = min(1, spent / (60 * args.minutes))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * share)))
        crops, truth = next(loader)
        found = net(normalise(crops)).view(-1, POINTS, 2)
        size = (truth[:, 60] - truth[:, 72]).norm(dim=1)[:, None]
        error = ((found - truth).norm(dim=2) / size)
        # Near the truth the logarithm keeps pulling, as in the wing loss (Feng et al., CVPR 2018).
        points = (torch.log1p(error / 0.02) * weight).mean()
        lids = ((openness(found) - openness(truth)).abs() / size).mean()
        loss = points + 10 * lids
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        history.append((error.mean().item(), lids.item()))
        if step % 100 == 0 or share == 1:
            mean = np.mean(history[-100:], 0)
            held_error = check(average, pictures, held)
            print(f"step {step} {spent / 60:.1f} min: error {mean[0]:.4f} lids {mean[1]:.4f}, held-out people, plain crops {held_error:.4f}", flush=True)
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "spent": spent}, checkpoint)
        if share == 1:
            return


if __name__ == "__main__":
    main()
