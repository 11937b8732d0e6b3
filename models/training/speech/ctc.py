"""Trains the distilled student on with CTC on transcribed sound, while the teacher keeps it from forgetting; resumes from OUT/ctc.pt.

python3 models/training/speech/ctc.py --sound WORK/sound --noise DATA/noise --teacher cfsmn_char2599_streaming.onnx \\
    --tokens models/embedded/speech-ctc.tokens.txt --out WORK/speech [--minutes 60]

OUT/distilled.pt is where it begins. Blocks beside the chain, which begin as nothing, take up what the teacher did not know: the synthetic voices
above all. WORK/sound/readings.tsv is what `go run ./models/training/speech/readings` prints. The time is fixed, not the steps.
"""
import argparse
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional as F

import measure
from features import rows
from net import Student, Teacher
from store import Store
from utterances import SAMPLES, Utterances

PLAN = ("recorded", "synthetic", "unlabelled", "synthetic", "unlabelled", "recorded", "synthetic", "syllables", "unlabelled")
CHECKS = ("aishell-s0150-check", "navigation-check", "synthetic-check")


def likeness(student, teacher):
    """How far the student's answers [B, T, tokens] are from the teacher's: divergence where the teacher hears something, and some of the
    rest, over the rows that are there."""
    wanted = teacher.log_softmax(-1)
    chosen = (wanted[..., 0].exp() < 0.9) | (torch.rand(wanted.shape[:2]) < 0.12)
    given, wanted = student[chosen].log_softmax(-1), wanted[chosen]
    return (wanted.exp() * (wanted - given)).sum(-1).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sound", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=1e-4, help="of what was distilled; the blocks beside it learn ten times as fast")
    parser.add_argument("--likeness", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1), torch.manual_seed(args.seed)
    checkpoint, teacher, tokens = args.out / "ctc.pt", Teacher(args.teacher), measure.read_tokens(args.tokens)
    student, start, spent = Student.load(args.out / "distilled.pt").grow(), 0, 0.0
    fresh = list(student.sides.parameters())
    groups = [{"params": fresh, "factor": 10.0}, {"params": [p for p in student.parameters() if not any(p is q for q in fresh)], "factor": 1.0}]
    optimizer = torch.optim.Adam(groups, lr=args.rate, betas=(0.9, 0.98))
    average = {k: v.clone() for k, v in student.state_dict().items()}
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        student.load_state_dict(saved["last"]), optimizer.load_state_dict(saved["optimizer"])
        average, start, spent = saved["state"], saved["step"], saved["spent"]
        print(f"resumed at step {start}, minute {spent / 60:.1f}", flush=True)
    stores = [Store(args.sound, name) for name in CHECKS]
    data = Utterances(args.sound, args.noise, tokens, PLAN, 10**7, args.seed)
    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(data, range(start * len(PLAN), len(data))), len(PLAN), num_workers=1, prefetch_factor=4)
    before, losses, step = time.time(), [], start
    for step, (sound, warps, labels, counts, lengths) in enumerate(loader, start):
        done = min(1.0, spent / 60 / args.minutes)
        for group in optimizer.param_groups:
            group["lr"] = group["factor"] * args.rate * min(1, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
        x = rows(sound, warps.tolist())
        known = counts > 0
        logits = student(x)
        loss = F.ctc_loss(logits[known].log_softmax(-1).transpose(0, 1), labels[known], lengths[known].clamp(max=x.shape[1]), counts[known],
                          reduction="sum", zero_infinity=True) / counts.sum()
        _, opinion = teacher(x[~known])
        like = likeness(logits[~known], opinion)
        optimizer.zero_grad()
        (loss + args.likeness * like).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimizer.step()
        keep = min(0.997, (step + 1) / (step + 20))
        with torch.no_grad():
            for name, value in student.state_dict().items():
                average[name].mul_(keep).add_(value, alpha=1 - keep)
        losses.append((loss.item(), like.item()))
        now = time.time()
        spent, before = spent + now - before, now
        last = spent >= args.minutes * 60
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}, minute {spent / 60:.1f}/{args.minutes:.0f}, heard {(step + 1) * len(PLAN) * SAMPLES / 16000 / 3600:.1f} h, "
                  f"ctc and likeness {np.mean(losses[-100:], 0).round(3)}", flush=True)
        if (step + 1) % 500 == 0 or last:
            mean = Student(**{k: v for k, v in student.size.items() if k != "side"}).grow(**student.size["side"])
            mean.load_state_dict(average)
            found = {s.name: round(100 * measure.error(mean, s, tokens), 1) for s in stores}
            print(f"tokens wrong in % after step {step + 1}: {found}", flush=True)
            mean.save(args.out / "ctc.part", last=student.state_dict(), optimizer=optimizer.state_dict(), step=step + 1, spent=spent)
            (args.out / "ctc.part").rename(checkpoint)
            before = time.time()
        if last:
            break


if __name__ == "__main__":
    main()
