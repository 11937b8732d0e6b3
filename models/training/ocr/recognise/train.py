"""Trains the line recogniser from random weights on lines drawn as it goes; resumes from OUT/recognise.pt.

python3 models/training/ocr/recognise/train.py --data DATA --out DIR [--minutes 160] [--rate 2e-3] [--pixels 10000] [--seed 1] [--threads 1] [--begin FILE.pt ...]

`--begin` starts a new run from the mean of earlier runs' weights instead of random ones; with `--minutes 0` the mean is all that is written.

The renderer knows where every character stands, so frames are taught directly, by cross entropy: the frame nearest to a character's
centre is that character, for wide ones the next nearest too, all others are blank (a quarter of them is taught). There is no alignment
to find, as with CTC, and only some frames meet the large classifier. Reading is CTC's greedy decoding; --ctc-from adds CTC's loss over
all frames from that share of the run on, which brought nothing when it was tried. The learning rate follows the time spent, not the steps, so that a run on a busy machine ends when it was to end; the number in DIR/threads, if there, is the number of
threads and may be changed meanwhile.
"""
import argparse
import math
import pathlib
import sys
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import corpus
from crops import load, shaken
from fonts import CHARSET, HELD_OUT, TRAIN
from lines import CLASS, HEIGHT, Renderer, targets
from net import STRIDE, Recogniser, decode

POOL = 256                       # lines drawn at a time, then sorted by width into batches


def pack(lines):
    """Lines -> pictures uint8 [N, 32, W], W a multiple of 16, padded with white."""
    width = -(-max(line.image.shape[1] for line in lines) // 16) * 16
    x = np.full((len(lines), HEIGHT, width), 255, np.uint8)
    for i, line in enumerate(lines):
        x[i, :, :line.image.shape[1]] = line.image
    return x


def teach(lines, width, rng, blanks=0.27, second=0.5):
    """-> rows of N*T frames to teach, their classes, and boxes (for the rows that are characters, which come first)."""
    frames = width // STRIDE
    rows, classes, boxes, empty = [], [], [], np.ones(len(lines) * frames, bool)
    for n, line in enumerate(lines):
        wanted = np.array([CLASS[c] for c in line.text])
        for which, share in zip(targets(line, STRIDE), (1.0, second)):
            inside = (which >= 0) & (which < frames)
            empty[n * frames + which[inside]] = False
            inside &= rng.random(len(which)) < share
            t, b = which[inside], line.boxes[inside]
            rows.append(n * frames + t)
            classes.append(wanted[inside])
            boxes.append(np.stack([b[:, 0] / STRIDE - t - 0.5, b[:, 1] / HEIGHT, b[:, 2] / STRIDE - t - 0.5, b[:, 3] / HEIGHT], 1))
    empty = np.nonzero(empty & (rng.random(len(empty)) < blanks))[0]
    boxes = np.concatenate(boxes).astype(np.float32)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, 1)
    return (np.concatenate(rows + [empty]), np.concatenate(classes + [np.zeros(len(empty), int)]), boxes)


class Lines(torch.utils.data.IterableDataset):
    """Batches without end: (pictures, rows, classes, boxes, classes of the whole texts, lengths of the texts)."""

    def __init__(self, out, pixels, seed, share):
        self.out, self.pixels, self.seed, self.share = out, pixels, seed, share

    def _crops(self, rng):
        """Lines of the files in OUT/crops, file after file in a drawn order, without end; the folder is read again each time."""
        while files := sorted((self.out / "crops").glob("*.npz")):
            lines = [line for path in rng.choice(files, min(4, len(files)), replace=False) for line in load(path) if len(line.text) <= 44]
            yield from (shaken(rng, lines[i]) for i in rng.permutation(len(lines)))

    def __iter__(self):
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        rng = np.random.default_rng(self.seed)
        renderer, sampler = Renderer(self.out / "atlas", "train"), corpus.Sampler(rng, "train")
        crops = self._crops(rng)
        while True:
            pool = [next(crops, None) if rng.random() < self.share else None for _ in range(POOL)]
            pool = sorted((line or renderer.line(rng, sampler) for line in pool), key=lambda line: line.image.shape[1])
            batches, batch = [], []
            for line in pool:
                if batch and line.image.shape[1] * (len(batch) + 1) > self.pixels:
                    batches.append(batch)
                    batch = []
                batch.append(line)
            batches.append(batch)
            for i in rng.permutation(len(batches)):
                x = pack(batches[i])
                yield (x, *teach(batches[i], x.shape[2], rng), np.array([CLASS[c] for line in batches[i] for c in line.text]),
                       np.array([len(line.text) for line in batches[i]]))


def distance(a, b):
    """Levenshtein distance."""
    row = np.arange(len(b) + 1)
    for i, c in enumerate(a, 1):
        new = np.minimum(row[1:] + 1, row[:-1] + (np.array(list(b)) != c)) if b else row[1:]
        new = np.concatenate([[i], new])
        row = np.minimum.accumulate(new - np.arange(len(new))) + np.arange(len(new))
    return int(row[-1])


def validation(atlas, fonts, split, count, seed, strength):
    """Lines that stay the same from run to run, sorted by width."""
    rng = np.random.default_rng(seed)
    renderer, sampler = Renderer(atlas, split, fonts), corpus.Sampler(rng, split)
    lines = [renderer.line(rng, sampler, strength=strength, font=fonts[i % len(fonts)], pixels=float(rng.uniform(16, 40))) for i in range(count)]
    return sorted(lines, key=lambda line: line.image.shape[1])


@torch.no_grad()
def character_error(net, lines, size=24):
    """Share of characters read wrong, in percent."""
    wrong = total = 0
    for i in range(0, len(lines), size):
        batch = lines[i:i + size]
        scores = net.read(net(tensor(torch.from_numpy(pack(batch))))).argmax(-1).numpy()
        for line, row in zip(batch, scores):
            wrong += distance("".join(CHARSET[c - 1] for c, _ in decode(row)), line.text)
            total += len(line.text)
    return 100 * wrong / total


@torch.no_grad()
def begin(net, checkpoints, batches):
    """Gives `net` the mean of several checkpoints' averaged weights. The mean's activations are not the activations' mean: the normalisation's
    statistics are taken anew from `batches` of pictures."""
    states = [torch.load(c, map_location="cpu")["average"] for c in checkpoints]
    net.load_state_dict({k: sum(s[k].double() for s in states).div(len(states)).to(v.dtype) for k, v in states[0].items()})
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    usual = norms[0].momentum
    for m in norms:
        m.reset_running_stats()
        m.momentum = None                # a plain mean over all batches
    net.train()
    for x in batches:
        net(tensor(x))
    for m in norms:
        m.momentum = usual


def tensor(x):
    return (x[:, None].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder of data; default: the environment's COURTSENSE_DATA")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=160, help="training time, of all runs together")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--pixels", type=int, default=10000, help="width of a batch, all lines together")
    parser.add_argument("--crops", type=float, default=0.45, help="share of lines that come from OUT/crops, if crops.py wrote some")
    parser.add_argument("--ctc-from", type=float, default=2, help="share of the time after which CTC's loss is added; above 1 never, for it brought nothing")
    parser.add_argument("--begin", type=pathlib.Path, nargs="*", default=[], help="checkpoints, of whose mean a new run starts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.data:
        corpus.use(args.data)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint, atlas = args.out / "recognise.pt", args.out / "atlas"

    net = Recogniser(len(CHARSET) + 1).to(memory_format=torch.channels_last)
    average, start, spent = Recogniser(len(CHARSET) + 1).to(memory_format=torch.channels_last).eval(), 0, 0.0
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, betas=(0.9, 0.98), weight_decay=0.01, foreach=True)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"]), average.load_state_dict(saved["average"]), optimizer.load_state_dict(saved["optimizer"])
        start, spent = saved["step"], saved["spent"]
        print(f"resumed at step {start}, after {spent / 60:.1f} minutes", flush=True)
    loader = iter(torch.utils.data.DataLoader(Lines(args.out, args.pixels, [args.seed, start], args.crops), None, num_workers=1, prefetch_factor=16))
    if not checkpoint.exists():
        if args.begin:
            begin(net, args.begin, (next(loader)[0] for _ in range(50)))
        average.load_state_dict(net.state_dict())
    sheets = [(f.name, validation(atlas, [f], "held", 150, 5, 0.5)) for f in HELD_OUT] + [("seen", validation(atlas, TRAIN, "held", 150, 6, 0.5))]
    kept = [v for v in net.state_dict().values() if v.is_floating_point()]
    averaged = [v for v in average.state_dict().values() if v.is_floating_point()]
    net.train()

    def save():
        torch.save({"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "spent": spent},
                   checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    step, history, last, shown = start, [], time.time(), time.time()
    if not checkpoint.exists():
        save()
    looked = saved_at = time.time()
    while spent < args.minutes * 60:
        x, rows, classes, boxes, texts, lengths = next(loader)
        progress = spent / (args.minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 300) * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * progress)))
        everywhere = net(tensor(x))
        features = everywhere.flatten(0, 1)[rows]
        if progress < args.ctc_from:
            reading = F.cross_entropy(net.read(features), classes, label_smoothing=0.02)
        else:
            # The end is learnt as it is read: the whole line at once, with the frames' labels only to keep characters in their places.
            scores = net.read(everywhere)
            frames = torch.full_like(lengths, scores.shape[1])
            sequence = F.ctc_loss(F.log_softmax(scores, -1).transpose(0, 1), texts, frames, lengths, zero_infinity=True)
            reading = sequence + 0.5 * F.cross_entropy(scores.flatten(0, 1)[rows], classes, label_smoothing=0.02)
        placing = F.smooth_l1_loss(net.place(features[:len(boxes)]), boxes, beta=0.1)
        optimizer.zero_grad(set_to_none=True)
        (reading + placing).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            if step % 4 == 0:
                torch._foreach_mul_(averaged, keep := min(0.995, (step + 1) / (step + 60)))
                torch._foreach_add_(averaged, kept, alpha=1 - keep)
        history.append((reading.item(), placing.item(), len(boxes)))
        now = time.time()
        spent, last = spent + now - last, now
        if step % 100 == 0:
            mean = np.mean(history[-100:], 0)
            print(f"step {step} {spent / 60:.1f} min reading {mean[0]:.3f} placing {mean[1]:.4f} {sum(h[2] for h in history[-100:]) / (now - shown):.0f} labels/s "
                  f"rate {group['lr']:.2e}", flush=True)
            shown = now
            wish = args.out / "threads"
            if wish.exists():
                torch.set_num_threads(int(wish.read_text() or 1))
        if now - looked > 900 or spent >= args.minutes * 60:
            looked = now
            print(f"step {step} CER % " + ", ".join(f"{name} {character_error(average, lines):.2f}" for name, lines in sheets), flush=True)
            last = shown = time.time()
        if now - saved_at > 180 or spent >= args.minutes * 60:
            saved_at = now
            save()


if __name__ == "__main__":
    main()
