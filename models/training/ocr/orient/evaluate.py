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
    """Sharpness by cross entropy over the first tiles and over all tiles; then the threshold."""
    grid = np.geomspace(0.1, 2.0, 40)
    entropy = [np.mean([-np.log(max(1e-12, tiles.page_probabilities(part, g)[s.truth])) for s in seen
                        for part in (s.first, np.concatenate([s.first, s.more]))]) for g in grid]
    sharpness = float(grid[int(np.argmin(entropy))])
    wrong = [0.0]
    for s in seen:
        for part in (s.first, np.concatenate([s.first, s.more])):
            p = tiles.page_probabilities(part, sharpness)
            if p.argmax() != s.truth:
                wrong.append(float(p.max()))
    return round(sharpness, 3), max(wrong)


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
    parser.add_argument("--threshold", type=float, default=0.9)
    args = parser.parse_args()
    with Session(args.onnx) as session:
        if args.calibrate:
            seen, _ = look(session, args.calibrate)
            args.sharpness, worst = calibrate(seen)
            args.threshold = min(0.9999, max(0.9, round(worst + 0.5 * (1 - worst), 4)) if worst else 0.9)
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
