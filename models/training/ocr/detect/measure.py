"""Measures what detection costs the reading: how many characters of the true lines lie in no found one, and where.

go build -o REGIONS ./models/training/ocr/detect/regions
python3 models/training/ocr/detect/measure.py --regions REGIONS --pages DIR [DIR ...] [--onnx FILE] [--set '{long_side: 960}'] [--kinds]

DIR is as evalset.py writes it; pages are turned upright first. Detection runs as in production, by the Go program. For each true line:
the characters whose centre is in no found line, at its start, at its end or between; the number of found lines it is spread over
(pieces: characters of a line divided among lines; counted where each has a tenth or more of them); whether it lies with a part of
another in one found line (merged). False: found lines with no character's centre in them. Height: median ratio of a found
line's height to the true one's.
"""
import argparse
import collections
import json
import pathlib
import subprocess

import cv2
import numpy as np

from evaluate import upright

FIELDS = "lines chars start middle end missed pieces merged false found".split()


def detect(binary, pages, onnx=None, change=None):
    """-> {file: answer of the Go program}."""
    command = [str(binary)] + (["-onnx", str(onnx)] if onnx else []) + (["-set", change] if change else [])
    wanted = "".join(f"{picture}\t{-page['rotation'] % 360}\n" for picture, page in pages)
    out = subprocess.run(command, input=wanted, text=True, stdout=subprocess.PIPE, check=True).stdout
    return {a["file"]: a for a in map(json.loads, out.splitlines())}


def outline(region):
    points = region.get("outline") or region["polygon"]
    return np.array([[p["X"], p["Y"]] for p in points], np.float32)


def within(points, shape):
    """Which points lie in a polygon, bool [n]."""
    low, high = shape.min(0), shape.max(0)
    hit = ((points >= low) & (points <= high)).all(1)
    for k in np.flatnonzero(hit):
        hit[k] = cv2.pointPolygonTest(shape, (float(points[k, 0]), float(points[k, 1])), False) >= 0
    return hit


def page_counts(page, size, regions):
    """-> counts of FIELDS, and the ratios of heights."""
    c, ratios = collections.Counter(found=len(regions)), []
    owners = collections.defaultdict(set)                                       # of a found line: the true ones with characters in it
    shapes = [outline(r) for r in regions]
    used = np.zeros(len(shapes), bool)
    lines = [line for line in page["lines"] if line["chars"] and line["text"].strip()]
    boxes = [np.array([b[1:] for b in line["chars"]], np.float32) for line in lines]
    points = [b[:, :2] + b[:, 2:] / 2 for b in boxes] + [np.array(line["polygon"], np.float32) for line in lines]
    _, points = upright(np.empty((size[1], size[0]), np.uint8), points, page["rotation"])
    for number, (centres, polygon) in enumerate(zip(points[:len(lines)], points[len(lines):])):
        inside = np.array([within(centres, s) for s in shapes], bool).reshape(len(shapes), -1).T
        covered, n = inside.any(1), len(centres)
        c["lines"] += 1
        c["chars"] += n
        used |= inside.any(0)
        if not covered.any():
            c["missed"] += n
            continue
        first, last = np.flatnonzero(covered)[[0, -1]]
        c["start"] += int(first)
        c["end"] += int(n - 1 - last)
        c["middle"] += int((~covered[first:last + 1]).sum())
        share = inside.sum(0)
        holders = np.flatnonzero(share >= max(1, 0.1 * n))
        # Lines that overlap do not make pieces: each must hold characters that no larger one holds.
        left, pieces = covered.copy(), 0
        for k in sorted(holders, key=lambda k: -share[k]):
            if (inside[:, k] & left).any():
                left &= ~inside[:, k]
                pieces += 1
        c["pieces"] += max(0, pieces - 1)
        for k in holders:
            owners[k].add(number)
        k = int(share.argmax())
        if len(shapes[k]) == 4 and share[k] > 0.8 * n and n > 2:
            sides = [sorted(np.linalg.norm(p - np.roll(p, 1, 0), axis=1))[0] for p in (shapes[k], polygon)]
            ratios.append(sides[0] / max(1e-6, sides[1]))
    c["merged"] = sum(len(o) - 1 for o in owners.values())
    c["false"] = int((~used).sum())
    return c, ratios


def report(name, c, ratios):
    lost = {f: f"{100 * c[f] / max(1, c['chars']):.2f}" for f in ("start", "middle", "end", "missed")}
    print(f"{name:12s} {c['lines']:5d} lines, {c['chars']} characters; outside, %: start {lost['start']} middle {lost['middle']} end {lost['end']} whole lines {lost['missed']}; "
          f"pieces {c['pieces']} merged {c['merged']} false {c['false']} of {c['found']}; height {np.median(ratios or [0]):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regions", type=pathlib.Path, required=True)
    parser.add_argument("--pages", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--onnx", type=pathlib.Path)
    parser.add_argument("--set", default="")
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--each", action="store_true", help="every page too")
    args = parser.parse_args()
    for folder in args.pages:
        pages = []
        for path in sorted(folder.glob("*.json")):
            picture = next(p for p in (path.with_suffix(s) for s in (".jpg", ".png")) if p.exists())
            pages.append((picture, json.loads(path.read_text(encoding="utf-8"))))
        answers = detect(args.regions, pages, args.onnx, args.set)
        totals, ratios = collections.defaultdict(collections.Counter), collections.defaultdict(list)
        for picture, page in pages:
            a = answers[str(picture)]
            size = (a["width"], a["height"]) if page["rotation"] % 180 == 0 else (a["height"], a["width"])
            c, r = page_counts(page, size, a["regions"])
            for key in ("all", page["kind"]):
                totals[key].update(c)
                ratios[key] += r
            if args.each:
                report(picture.stem, c, r)
        seconds = np.median([a["seconds"] for a in answers.values()])
        report(f"{folder.name}", totals["all"], ratios["all"])
        print(f"{'':12s} {1000 * seconds:.0f} ms a page, one thread")
        for kind in sorted(totals) if args.kinds else []:
            if kind != "all":
                report(kind, totals[kind], ratios[kind])


if __name__ == "__main__":
    main()
