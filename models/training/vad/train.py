"""Trains the voice activity network on the scenes that data.py prepared; resumes from OUT/vad.pt where that exists.

python3 models/training/vad/train.py --scenes DIR --noise DIR --out DIR [--steps 1500] [--batch 16] [--seed 1] [--threads 1]

--noise holds background recordings and rir*.flac room impulse responses (augment.py names those it leaves for evaluation).
"""
import argparse
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional as F

from augment import degrade, load_noise, load_rooms, unspoken
from net import STATE, WINDOW, VoiceActivity


class Scenes(torch.utils.data.Dataset):
    """Item i is always the same scene under the same noise, so that a run repeats."""

    def __init__(self, folder, noise, items, seed):
        self.scenes = np.load(folder / "scenes.npy", mmap_mode="r")
        self.labels = np.load(folder / "labels.npy")
        self.noise, self.rooms = load_noise(noise), load_rooms(noise)
        self.items, self.seed = items, seed

    def __len__(self):
        return self.items

    def __getitem__(self, i):
        rng = np.random.default_rng([self.seed, i])
        k = rng.integers(len(self.scenes))
        label = self.labels[k].astype(np.float32)
        clean = self.scenes[k].astype(np.float32) / 32768
        kind = rng.random()
        if kind < 0.25:
            label, audio = np.zeros_like(label), unspoken(len(clean), self.noise, rng)
        else:
            if kind < 0.45:  # a second speaker, who may interrupt and may sit further away
                other = rng.integers(len(self.scenes))
                shift = int(rng.integers(len(label)))
                label = np.maximum(label, np.roll(self.labels[other].astype(np.float32), shift))
                clean = clean + np.roll(self.scenes[other], shift * WINDOW) / 32768 * 10 ** (rng.uniform(-12, 6) / 20)
            audio = degrade(clean.astype(np.float32), np.repeat(label > 0.5, WINDOW), self.noise, self.rooms, rng)
        # Windows of a live stream fall anywhere: shift the audio against the teacher's windows and mix the labels to match.
        shift = int(rng.integers(WINDOW))
        audio = np.concatenate([np.zeros(shift, np.float32), audio[:len(audio) - shift]])
        earlier = np.concatenate([label[:1], label[:-1]])
        return audio, label + (earlier - label) * (shift / WINDOW)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "vad.pt"

    net, average, start = VoiceActivity(), VoiceActivity(), 0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-3)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), optimizer.load_state_dict(saved["optimizer"])
        start = saved["step"]
        print(f"resumed at step {start}")
    data = Scenes(args.scenes, args.noise, args.steps * args.batch, args.seed)
    rest = torch.utils.data.Subset(data, range(start * args.batch, len(data)))
    loader = torch.utils.data.DataLoader(rest, args.batch, num_workers=1, prefetch_factor=4)
    began, losses = time.time(), []
    for step, (audio, label) in enumerate(loader, start):
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / args.steps)))
        net.train()
        state = torch.zeros(len(audio), STATE)
        logits, _ = net(audio, state)
        loss = F.binary_cross_entropy_with_logits(logits, label)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        keep = min(0.99, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        losses.append(loss.item())
        if (step + 1) % 25 == 0 or step + 1 == args.steps:
            error = ((logits > 0) != (label > 0.5)).float().mean().item()
            print(f"step {step + 1}/{args.steps} loss {np.mean(losses[-25:]):.4f} error {error:.3f} {time.time() - began:.0f} s", flush=True)
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step + 1}, checkpoint)


if __name__ == "__main__":
    main()
