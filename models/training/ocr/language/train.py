"""Trains the language model on statutes and case texts of the training split; it resumes from the checkpoint in --out, its own or restore.py's.

The running time is what is fixed (--minutes of work, over all resumptions): the learning rate falls along it. During the first
four fifths each batch is compared with its own targets and drawn negatives only (sampled softmax with the correction for how often
each is drawn: Jean et al. 2015), afterwards with all characters. Drawing the scores' sums to one there, which nothing needs, cost a
fifth of the perplexity.
"""
import argparse
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional as F

from net import Cloze
from text import BREAK, CLASSES, MARKS, UNKNOWN, streams

LENGTH, NEGATIVES = 40, 1024
# A page's context has the recogniser's mistakes in it, and lines that begin and end anywhere.
MISTAKES, MISSING, CUT = 0.03, 0.01, 0.2
CASES = 0.4  # share of the chunks; they are an eighth of the text but nearest to what courts read


def chunk(texts, frequency, rng, batch):
    """-> input and target classes, int64 [LENGTH, batch] each; target 0 where nothing is asked."""
    target = np.empty((LENGTH, batch), np.int64)
    for i in range(batch):
        text = texts[int(rng.random() < CASES)]
        start = rng.integers(len(text) - LENGTH)
        target[:, i] = text[start:start + LENGTH]
    for i in np.flatnonzero(rng.random(batch) < CUT):
        target[rng.integers(LENGTH), i] = BREAK
    x, draw = target.copy(), rng.random(target.shape)
    wrong = (draw < MISTAKES) & (target >= MARKS)
    x[wrong] = rng.choice(len(frequency), wrong.sum(), p=frequency)
    x[(draw > 1 - MISSING) & (target >= MARKS)] = UNKNOWN
    target[target < MARKS] = 0
    return torch.from_numpy(x), torch.from_numpy(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder of data; default: the environment's COURTSENSE_DATA")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=65)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    if args.data:
        import corpus
        corpus.use(args.data)
    texts, held = streams("train", args.out / "text"), streams("held", args.out / "text")
    counts = sum(np.bincount(t, minlength=CLASSES) * w for t, w in zip(texts, (1, 4))).astype(np.float64)
    counts[:MARKS] = 0
    frequency = counts / counts.sum()
    # Even a character that the texts never hold must be drawn now and then, to learn that it is rare.
    drawn = (counts + 1) ** 0.75
    drawn[:MARKS] = 0
    drawn /= drawn.sum()
    expected = torch.from_numpy(np.log(-np.expm1(NEGATIVES * np.log1p(-drawn)) + 1e-30)).float()

    net = Cloze(CLASSES)
    with torch.no_grad():
        net.bias.copy_(torch.from_numpy(np.log((counts + 0.5) / counts.sum())).float().clamp(min=-18))
    optimizer = torch.optim.Adam(net.parameters(), lr=args.rate, betas=(0.9, 0.99))
    checkpoint, step, worked = args.out / "char-lm.pt", 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"])
        if "optimizer" in saved:                                  # restore.py's has none
            optimizer.load_state_dict(saved["optimizer"])
        step, worked = saved["step"], saved["worked"]
        print(f"resumed at step {step}, {worked / 60:.1f} minutes")
    fixed = np.random.default_rng([args.seed, 1 << 32])
    checks = [chunk([t, t], frequency, fixed, 256) for t in held]
    began, losses = time.time() - worked, []
    while True:
        worked = time.time() - began
        progress = worked / (60 * args.minutes)
        if progress >= 1:
            break
        rate = args.rate * min(1, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        rng = np.random.default_rng([args.seed, step])
        x, target = chunk(texts, frequency, rng, args.batch)
        asked = target > 0
        vectors, wanted = net(x)[asked], target[asked]
        if progress < 0.8:
            own = torch.unique(wanted)
            other = torch.from_numpy(np.unique(rng.choice(CLASSES, NEGATIVES, p=drawn)))
            other = other[~torch.isin(other, own)]
            rows = torch.cat([own, other])
            # A batch's own characters are sure to be there; the others stand for all that were not drawn.
            logits = net.scores(vectors, rows) - torch.cat([torch.zeros(len(own)), expected[other]])
            loss = F.cross_entropy(logits, torch.searchsorted(own, wanted))
        else:
            # A third of the places is enough here: the whole softmax costs more than both LSTMs.
            some = torch.from_numpy(rng.choice(len(wanted), len(wanted) // 3, replace=False))
            logits = net.scores(vectors[some])
            total = torch.logsumexp(logits, 1)
            loss = (total - logits.gather(1, wanted[some, None])[:, 0]).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        step += 1
        if step % 100 == 0:
            report = ""
            if step % 500 == 0:
                net.eval()
                with torch.no_grad():
                    for name, (x, target) in zip(("statutes", "cases"), checks):
                        asked = target > 0
                        z = net.scores(net(x)[asked])
                        nll = F.cross_entropy(z, target[asked]).item()
                        report += f" {name} perplexity {np.exp(nll):.2f} right {(z.argmax(1) == target[asked]).float().mean():.3f} log sum {torch.logsumexp(z, 1).mean():.2f}"
                net.train()
            worked = time.time() - began
            print(f"step {step} loss {np.mean(losses[-100:]):.3f} rate {rate:.1e} {worked / 60:.1f} min{report}", flush=True)
            save(checkpoint, net, optimizer, step, worked)
    save(checkpoint, net, optimizer, step, worked)


def save(path, net, optimizer, step, worked):
    partial = path.with_suffix(".partial")
    torch.save({"net": net.state_dict(), "sizes": net.sizes, "optimizer": optimizer.state_dict(), "step": step, "worked": worked}, partial)
    partial.replace(path)


if __name__ == "__main__":
    main()
