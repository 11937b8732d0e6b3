"""Teaches a student with random weights what the teacher does, block by block; resumes from OUT/distilled.pt where that exists.

python3 models/training/speech/distil.py --sound WORK/sound --noise DATA/noise --teacher cfsmn_char2599_streaming.onnx --out WORK/speech [--steps 1500]

Both networks are linear between their rectifiers. The first and the last map are found by least squares. Each block between learns from the
teacher's hidden values to give what the teacher's block gives; in the second half most of a batch has the student's own hidden values
instead, so that it learns to live with its earlier errors. Projections are learnt in coordinates in which their inputs are white:
without that, twice the sound leaves twice the error.
"""
import argparse
import pathlib
import time

import numpy as np
import torch

from features import rows
from hearing import Surroundings, splice
from net import BLOCKS, INPUTS, Student, Teacher
from store import Store

SHARES = {"aishell-s0150": 0.27, "navigation": 0.1, "speechocean762": 0.2, "isolated-words": 0.1, "syllables": 0.08, "synthetic": 0.25}
SAMPLES, BATCH = 48000, 8


class Pieces(torch.utils.data.Dataset):
    """Item i: 3 s of spliced and degraded sound, and its warp of the frequencies."""

    def __init__(self, sound, noise, items, seed):
        self.stores = [Store(sound, name) for name in SHARES]
        self.shares = np.array(list(SHARES.values())) / sum(SHARES.values())
        self.surroundings = Surroundings(noise)
        self.items, self.seed = items, seed

    def __len__(self):
        return self.items

    def __getitem__(self, i):
        rng = np.random.default_rng([self.seed, i])
        sound = self.surroundings.degrade(splice(self.stores, self.shares, SAMPLES, rng), rng)
        return sound.astype(np.float32), float(rng.uniform(0.9, 1.1))


def root(moment, power):
    """A power of a second moment, made safe."""
    values, vectors = torch.linalg.eigh(moment + 1e-4 * moment.diagonal().mean() * torch.eye(len(moment), dtype=moment.dtype))
    return vectors @ torch.diag(values.clamp(min=1e-9) ** power) @ vectors.T


class Moments:
    """Collects what least squares from `inputs` to `outputs` needs."""

    def __init__(self, inputs, outputs):
        self.xx, self.xy = torch.zeros(inputs + 1, inputs + 1, dtype=torch.float64), torch.zeros(inputs + 1, outputs, dtype=torch.float64)
        self.n = 0

    def add(self, x, y):
        x = torch.cat([x.reshape(-1, x.shape[-1]), torch.ones(x[..., 0].numel(), 1)], 1)
        self.xx += (x.T @ x).double()
        self.xy += (x.T @ y.reshape(-1, y.shape[-1])).double()
        self.n += len(x)

    def solve(self, layers):
        """Writes the best map of the layers' rank into two linear layers."""
        ridge = 1e-6 * self.xx.diagonal().mean() * torch.eye(len(self.xx), dtype=torch.float64)
        matrix = torch.linalg.solve(self.xx + ridge, self.xy)
        moment = self.xx[:-1, :-1] / self.n
        left = root(moment, 0.5)
        u, s, v = torch.linalg.svd(left @ matrix[:-1], full_matrices=False)
        rank = min(layers[0].out_features, len(s))
        with torch.no_grad():
            layers[0].weight.zero_(), layers[1].weight.zero_(), layers[0].bias.zero_()
            layers[0].weight[:rank] = (root(moment, -0.5) @ u[:, :rank] * s[:rank].sqrt()).T.float()
            layers[1].weight[:, :rank] = (v[:rank].T * s[:rank].sqrt()).float()
            layers[1].bias.copy_(matrix[-1].float())


class Learner(torch.nn.Module):
    """A block in white coordinates: inputs with unit second moment, outputs with unit deviation."""

    def __init__(self, block, moment, mean, deviation):
        super().__init__()
        self.block = block
        self.register_buffer("white", root(moment, -0.5).float())
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, x):
        return self.block(x @ self.white)

    def fold(self, into):
        """Writes the block in plain coordinates."""
        with torch.no_grad():
            into.project.weight.copy_(self.block.project.weight @ self.white)
            into.taps.copy_(self.block.taps)
            into.expand.weight.copy_(self.block.expand.weight * self.deviation[:, None])
            into.expand.bias.copy_(self.block.expand.bias * self.deviation + self.mean)


def begin(teacher, batches):
    """The student with its ends solved, and the learners of its blocks."""
    student, width = Student(teacher.hidden), teacher.hidden
    total, square, n = torch.zeros(INPUTS, dtype=torch.float64), torch.zeros(INPUTS, dtype=torch.float64), 0
    enter, leave = Moments(INPUTS, width), None
    moments = [torch.zeros(width, width, dtype=torch.float64) for _ in range(BLOCKS)]
    sums = [torch.zeros(2, width, dtype=torch.float64) for _ in range(BLOCKS)]
    for sound, warps in batches:
        x = rows(sound, warps.tolist())
        before, logits = teacher(x)
        flat = x.reshape(-1, INPUTS).double()
        total, square, n = total + flat.sum(0), square + flat.square().sum(0), n + len(flat)
        leave = leave or Moments(width, logits.shape[-1])
        enter.add(x, before[0])
        leave.add(before[-1].relu(), logits)
        for i in range(BLOCKS):
            h = before[i].relu().reshape(-1, width)
            moments[i] += (h.T @ h).double()
            out = before[i + 1].reshape(-1, width).double()
            sums[i] += torch.stack([out.sum(0), out.square().sum(0)])
    mean = total / n
    deviation = (square / n - mean.square()).sqrt()
    student.shift.copy_(-mean.float()), student.scale.copy_((1 / deviation).float())
    # The solution is for bare features; the student takes their mean and deviation off first.
    enter.solve(student.enter)
    with torch.no_grad():
        student.enter[0].weight.mul_(deviation.float())
        student.enter[1].bias.add_(student.enter[1].weight @ (student.enter[0].weight @ (mean / deviation).float()))
    leave.solve(student.leave)
    learners = torch.nn.ModuleList()
    for i in range(BLOCKS):
        mean, square = sums[i] / n
        learners.append(Learner(student.blocks[i], moments[i] / n, mean.float(), (square - mean.square()).clamp(min=1e-6).sqrt().float()))
    return student, learners


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sound", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1), torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint, teacher = args.out / "distilling.pt", Teacher(args.teacher)
    loader = lambda data: torch.utils.data.DataLoader(data, BATCH, num_workers=1, prefetch_factor=4)
    student, learners = begin(teacher, loader(Pieces(args.sound, args.noise, 60 * BATCH, args.seed + 1)))
    optimizer, start = torch.optim.Adam(learners.parameters(), lr=args.rate, betas=(0.9, 0.98)), 0
    average = {k: v.clone() for k, v in learners.state_dict().items()}
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        learners.load_state_dict(saved["learners"]), optimizer.load_state_dict(saved["optimizer"])
        average, start = saved["average"], saved["step"]
    data = Pieces(args.sound, args.noise, args.steps * BATCH, args.seed)
    began, errors = time.time(), []
    for step, (sound, warps) in enumerate(loader(torch.utils.data.Subset(data, range(start * BATCH, len(data)))), start):
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / args.steps)))
        x = rows(sound, warps.tolist())
        before, _ = teacher(x)
        own = BATCH * 3 // 4 if step >= args.steps // 2 else 0
        with torch.no_grad():
            hidden = student.enter(student.normalise(x)).relu()
        loss, error = 0, []
        for i, learner in enumerate(learners):
            given = torch.cat([hidden[:own].detach(), before[i][own:].relu()])
            out = learner(given)
            miss = (out - (before[i + 1] - learner.mean) / learner.deviation).square().mean()
            loss, error = loss + miss, error + [miss.item()]
            hidden = (out * learner.deviation + learner.mean).relu()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learners.parameters(), 5.0)
        optimizer.step()
        keep = min(0.995, (step + 1) / (step + 20))
        with torch.no_grad():
            for name, value in learners.state_dict().items():
                average[name].mul_(keep).add_(value, alpha=1 - keep)
        errors.append(error)
        if (step + 1) % 100 == 0 or step + 1 == args.steps:
            print(f"step {step + 1}/{args.steps} unexplained {np.mean(errors[-100:], 0).round(4)} {time.time() - began:.0f} s", flush=True)
        if (step + 1) % 500 == 0 or step + 1 == args.steps:
            torch.save({"learners": learners.state_dict(), "optimizer": optimizer.state_dict(), "average": average, "step": step + 1}, checkpoint)
    learners.load_state_dict(average)
    for learner, block in zip(learners, student.blocks):
        learner.fold(block)
    student.save(args.out / "distilled.pt")


if __name__ == "__main__":
    main()
