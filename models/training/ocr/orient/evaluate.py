"""Measures an exported orientation network on folders that evalset.py made: the tables of the model card.

python3 models/training/ocr/orient/evaluate.py --onnx FILE --pages DIR [DIR ...] [--calibrate DIR] [--sharpness S --threshold T]

Every page is looked at in all four directions. --calibrate finds, on the pages of another folder, the sharpness of least cross entropy
and the least threshold above which nothing there was wrong.
"""
import argparse
import collections
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session
import tiles

SURE = 0.95          # the least threshold
Seen = collections.namedtuple("Seen", "name truth first more vertical")  # logits [n, 4] of the first and the further tiles


def look(session, folder):
    """-> list of Seen and the labels (kind, font, degradations) by page name."""
    seen, labels = [], {}
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".jpg", ".png")):
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        labels[path.name] = (record["kind"], record["font"], record["applied"])
        gray = tiles.decode(path.read_bytes())
        for quarter in range(4):
            first, more = tiles.tiles(np.ascontiguousarray(np.rot90(gray, -quarter)))
            x = np.concatenate([first, more])[:, None].astype(np.float32)
            out = session.run({"x": x})
            seen.append(Seen(path.name, (record["rotation"] // 90 + quarter) % 4, out["logits"][:len(first)], out["logits"][len(first):],
                             float(out["vertical"].mean())))
    return seen, labels


def answer(s, sharpness, threshold):
    """-> answer 0..3, its confidence, whether the further tiles were needed."""
    p = tiles.page_probabilities(s.first, sharpness)
    if p.max() >= threshold or not len(s.more):
        return int(p.argmax()), float(p.max()), False
    p = tiles.page_probabilities(np.concatenate([s.first, s.more]), sharpness)
    return int(p.argmax()), float(p.max()), True


def calibrate(seen):
    """-> sharpness, the confidence of the surest wrong look. The sharpness of least cross entropy over the first and over all tiles;
    but where nothing is wrong any sharpness would do, and the least is taken that lets 98 % pass SURE by the first tiles alone: pages
    unlike the drawn ones then stay in doubt."""
    rounds = [part for s in seen for part in ((s.first, s.truth), (np.concatenate([s.first, s.more]), s.truth))]
    grid = np.geomspace(0.1, 2.0, 40)
    found = {g: [(tiles.page_probabilities(logits, g), truth) for logits, truth in rounds] for g in grid}
    wrong = {g: [p.max() for p, truth in found[g] if p.argmax() != truth] for g in grid}
    if any(wrong.values()):
        sharpness = min(grid, key=lambda g: np.mean([-np.log(max(1e-12, p[truth])) for p, truth in found[g]]))
    else:
        sharpness = next(g for g in grid if np.mean([p.max() >= SURE for p, _ in found[g][::2]]) >= 0.98 or g == grid[-1])
    return round(float(sharpness), 3), float(max(wrong[sharpness], default=0.0))


def row(name, seen, sharpness, threshold):
    answers = [answer(s, sharpness, threshold) for s in seen]
    right = np.array([a[0] == s.truth for a, s in zip(answers, seen)])
    sure = np.array([a[1] >= threshold for a in answers])
    pages = len({s.name for s in seen})
    half = np.array([(a[0] - s.truth) % 4 == 2 for a, s in zip(answers, seen)])
    return (f"| {name} | {pages} | {100 * right.mean():.2f} | {int((~right).sum())} ({int(half.sum())}) | {100 * sure.mean():.1f} | {int((sure & ~right).sum())} "
            f"| {100 * np.mean([a[2] for a in answers]):.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--pages", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--calibrate", type=pathlib.Path)
    parser.add_argument("--sharpness", type=float, default=1.0)
    parser.add_argument("--threshold", type=float, default=SURE)
    args = parser.parse_args()
    with Session(args.onnx) as session:
        if args.calibrate:
            seen, _ = look(session, args.calibrate)
            args.sharpness, worst = calibrate(seen)
            args.threshold = min(0.9999, max(SURE, round(worst + 0.5 * (1 - worst), 4)))
            print(f"{len(seen)} looks: sharpness {args.sharpness}, surest wrong {worst:.4f}, threshold {args.threshold}")
        head = "| pages | pictures | right, % | wrong looks (by 180) | above the threshold, % | wrong among these | second round, % |\n|---|---|---|---|---|---|---|"
        for folder in args.pages:
            seen, labels = look(session, folder)
            print(f"\n{folder.name}\n{head}")
            print(row("all", seen, args.sharpness, args.threshold))
            groups = collections.defaultdict(list)
            for s in seen:
                kind, font, applied = labels[s.name]
                groups[f"kind {kind}"].append(s), groups[f"font {font}"].append(s)
                for part in applied or ["nothing"]:
                    if not part.startswith("rotate"):
                        groups[f"with {part}"].append(s)
            for name in sorted(groups):
                print(row(name, groups[name], args.sharpness, args.threshold))
            down = [(s.vertical > 0) == (labels[s.name][0] == "vertical") for s in seen]
            print(f"vertical or not: {100 * np.mean(down):.2f} % right")
            print("wrong:", ", ".join(sorted({s.name for s in seen if answer(s, args.sharpness, args.threshold)[0] != s.truth})) or "none")
            bins = np.array([answer(s, args.sharpness, args.threshold)[:2] + (s.truth,) for s in seen])
            error, edges = 0.0, np.linspace(0, 1, 16)
            for low, high in zip(edges, edges[1:]):
                inside = (bins[:, 1] > low) & (bins[:, 1] <= high)
                if inside.any():
                    error += inside.mean() * abs(bins[inside, 1].mean() - (bins[inside, 0] == bins[inside, 2]).mean())
            print(f"expected calibration error {100 * error:.2f} %")
    return 0


if __name__ == "__main__":
    main()
