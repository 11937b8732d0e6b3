"""Trains the embedding to see and to answer as the teacher does.

python3 models/training/face/embed/train.py --views WORK --check FILE --out WORK [--minutes 80]

WORK holds the shards of views.py (more may arrive while the training runs) and FILE is plain.npz of the held-out people. Four things are
taught at once: the teacher's vector (angle), the angles between the pictures of a batch, the teacher's maps at 14x14 and 7x7 in unit
deviations, and the reading of the teacher's own 7x7 map. The learning rate follows the minutes of CPU time, or of the
clock with --wall; interrupted, it resumes from WORK/embed.pt.
"""
import argparse
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from net import WIDTHS, Embedding
from views import tensor

BATCH = 32
WINDOW = 6                               # shards in memory, from which batches are mixed


class Views:
    """Endless batches of pictures, maps and vectors, mixed from a few shards at a time."""

    def __init__(self, folder, seed):
        self.folder, self.rng, self.window, self.order = folder, np.random.default_rng(seed), [], []

    def shard(self):
        if not self.order:
            self.order = [p for p in self.folder.glob("views-????.npz")]
            self.count = len(self.order)
            self.rng.shuffle(self.order)
        data = dict(np.load(self.order.pop()))
        data["rest"] = self.rng.permutation(len(data["pictures"]))
        return data

    def __iter__(self):
        share = BATCH // WINDOW + 1
        while True:
            parts = []
            while len(self.window) < WINDOW:
                self.window.append(self.shard())
            for data in self.window:
                rows, data["rest"] = data["rest"][:share], data["rest"][share:]
                parts.append([data[k][rows] for k in ("pictures", "map14", "map7", "vector")])
            self.window = [d for d in self.window if len(d["rest"]) >= share]
            pictures, map14, map7, vector = (np.concatenate(v)[:BATCH] for v in zip(*parts))
            yield [torch.from_numpy(v) for v in (tensor(pictures), map14.astype(np.float32), map7.astype(np.float32), vector)]


def embed(net, pictures):
    net.eval()
    with torch.no_grad():
        out = torch.cat([net(torch.from_numpy(tensor(pictures[i:i + 64])).contiguous(memory_format=torch.channels_last)) for i in range(0, len(pictures), 64)])
    net.train()
    return F.normalize(out).numpy()


def verification(vectors, people):
    """Share of all pairs of one person that are more alike than 99.9 % of the pairs of strangers, and the best balanced accuracy."""
    alike = vectors @ vectors.T
    same = people[:, None] == people[None]
    upper = np.triu(np.ones_like(same), 1)
    own, strangers = np.sort(alike[same & upper]), np.sort(alike[~same & upper])
    limits = np.quantile(strangers, np.linspace(0.9, 0.9999, 200))
    accuracy = max((np.mean(own > t) + np.mean(strangers <= t)) / 2 for t in limits)
    return np.mean(own > np.quantile(strangers, 0.999)), accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=pathlib.Path, required=True)
    parser.add_argument("--check", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=80, help="of CPU time, resumed runs counted in")
    parser.add_argument("--wall", type=float, help="on a busy machine: end after so many minutes by the clock, however little CPU time there was")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "embed.pt"

    held = dict(np.load(args.check))
    people = np.array([n.rsplit("_", 1)[0] for n in held["names"]])
    taught = F.normalize(torch.from_numpy(held["vector"])).numpy()
    # Units of the teacher's maps, channel by channel.
    unit = {k: [torch.from_numpy(f(held[k].astype(np.float32), (0, 2, 3)))[:, None, None] for f in (np.mean, np.std)] for k in ("map14", "map7")}
    # The student's map at 14x14 is seen through this matrix, which is dropped after training.
    net, lens, average = Embedding().to(memory_format=torch.channels_last), nn.Conv2d(WIDTHS[2], 128, 1), Embedding()
    step, spent, first = 0, 0.0, 0.0
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW([*net.parameters(), *lens.parameters()], lr=args.rate, weight_decay=1e-2)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), lens.load_state_dict(saved["lens"]), optimizer.load_state_dict(saved["optimizer"])
        step, spent, first = saved["step"], saved["spent"], saved["share"]
        print(f"resumed at step {step}, {spent / 60:.1f} min")
    print("teacher, held-out people: {:.4f} of own pairs at FMR 1e-3, balanced accuracy {:.4f}".format(*verification(taught, people)), flush=True)
    views = Views(args.views, [args.seed, step])
    history, began, opened = [], time.process_time() - spent, time.time()
    for x, map14, map7, vector in views:
        spent = time.process_time() - began
        share = spent / (60 * args.minutes)
        if args.wall:
            share = max(share, first + (1 - first) * (time.time() - opened) / (60 * args.wall))
        share = min(1, share)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.003 + 0.997 * 0.5 * (1 + np.cos(np.pi * share)))
        map14, map7 = (map14 - unit["map14"][0]) / unit["map14"][1], (map7 - unit["map7"][0]) / unit["map7"][1]
        at14, at7 = net.maps(x.contiguous(memory_format=torch.channels_last))
        hint14, hint7 = F.mse_loss(lens(at14), map14), F.mse_loss(at7, map7)
        wanted = F.normalize(vector)
        # Both maps in one batch, so that the normalisations inside see both.
        both = F.normalize(net.read(torch.cat([at7, map7])))
        own, forced = both[:len(x)], both[len(x):]
        angle, reading = (1 - (own * wanted).sum(1)).mean(), (1 - (forced * wanted).sum(1)).mean()
        relation = ((own @ own.T - wanted @ wanted.T) ** 2).mean()
        loss = 4 * angle + 10 * relation + 2 * reading + hint7 + 0.5 * hint14
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.copy_(a * keep + b * (1 - keep) if a.is_floating_point() else b)
        history.append([v.item() for v in (angle, relation, reading, hint7, hint14)])
        if step % 50 == 0 or share == 1:
            mean, line = np.mean(history[-50:], 0), ""
            if step % 200 == 0 or share == 1:
                vectors = embed(average, held["pictures"])
                line = "; held-out people, plain: cosine to the teacher {:.4f}, own pairs at FMR 1e-3 {:.4f}, balanced accuracy {:.4f}".format(
                    (vectors * taught).sum(1).mean(), *verification(vectors, people))
            print("step {} {:.1f} min, {} shards: 1-cos {:.4f} relation {:.5f} reading {:.4f} maps {:.3f} {:.3f}".format(step, spent / 60, views.count, *mean) + line, flush=True)
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "lens": lens.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step, "spent": spent, "share": share}, checkpoint)
        if share == 1:
            return


if __name__ == "__main__":
    main()
