"""Measures a text detector on pages with known lines, beside a peer, in one harness.

python3 models/training/ocr/detect/evaluate.py --onnx text-detect.onnx --pages DIR [DIR ...] [--peer ppocrv3_det.onnx] [--pictures DIR --draw OUT]
    [--limit 100] [--sweep]

DIR holds NAME.jpg or .png with NAME.json as evalset.py writes them. A found line counts where it and a true one overlap by more than
half (intersection over union of polygons), one to one. Printed: recall, precision and their harmonic mean on the pages turned upright,
in all and by kind of page. `--pictures`: detections drawn on pictures, to be looked at. `--sweep`: by threshold.
"""
import argparse
import collections
import json
import pathlib
import sys

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import kernels
from net import MEAN, MULTIPLE, STD
from runtime import Session

SIDE = 960
# Map stride, unclip ratio, pixel threshold, box threshold, least kernel side. PP-OCR's are those of its own configuration.
OURS = {"stride": 2, "unclip": 0.8, "pixel": 0.6, "box": 0.65, "least": 1.5}
PEER = {"stride": 1, "unclip": 1.5, "pixel": 0.3, "box": 0.6, "least": 3}


def probability(session, image, side=SIDE):
    """-> map [h, w], and input pixels for one pixel of the picture (x, y). Small pictures are enlarged at most twice."""
    h, w = image.shape[:2]
    scale = min(2.0, side / max(h, w))
    size = [max(1, round(v * scale)) for v in (w, h)]
    small = cv2.resize(image, tuple(size), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    padded = np.full([-(-v // MULTIPLE) * MULTIPLE for v in (size[1], size[0])] + [3], 255, np.uint8)
    padded[:size[1], :size[0]] = small
    x = ((padded / 255 - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None]
    return next(iter(session.run({"x": x}).values()))[0, 0], np.array([size[0] / w, size[1] / h])


def overlaps(found, truth):
    """Intersection over union of convex polygons, [len(found), len(truth)]."""
    out = np.zeros((len(found), len(truth)), np.float32)
    areas = [[abs(cv2.contourArea(p)) for p in q] for q in (found, truth)]
    spans = [[(p.min(0), p.max(0)) for p in q] for q in (found, truth)]
    for i, a in enumerate(found):
        for j, b in enumerate(truth):
            if (spans[0][i][0] < spans[1][j][1]).all() and (spans[1][j][0] < spans[0][i][1]).all():
                common, _ = cv2.intersectConvexConvex(a, b)
                out[i, j] = common / max(1e-6, areas[0][i] + areas[1][j] - common)
    return out


def match(found, truth):
    """-> number of pairs, and for each true line whether it was found."""
    iou, hit, count = overlaps(found, truth), np.zeros(len(truth), bool), 0
    for i, j in sorted(zip(*np.nonzero(iou > 0.5)), key=lambda ij: -iou[ij]):
        if not hit[j] and iou[i].max() > 0:
            hit[j], count = True, count + 1
            iou[i] = 0
    return count, hit


def upright(image, lines, rotation):
    """Picture and polygons with the page's own turn (degrees clockwise) undone, as readers do before they look for lines."""
    h, w = image.shape[:2]
    if rotation == 0:
        return image, lines
    code, f = {
        90: (cv2.ROTATE_90_COUNTERCLOCKWISE, lambda p: np.stack([p[:, 1], w - p[:, 0]], 1)),
        180: (cv2.ROTATE_180, lambda p: np.stack([w - p[:, 0], h - p[:, 1]], 1)),
        270: (cv2.ROTATE_90_CLOCKWISE, lambda p: np.stack([h - p[:, 1], p[:, 0]], 1)),
    }[rotation]
    return cv2.rotate(image, code), [f(p).astype(np.float32) for p in lines]


def figures(counts):
    hits, truth, found = counts
    recall, precision = hits / max(1, truth), hits / max(1, found)
    return f"recall {100 * recall:6.2f} %  precision {100 * precision:6.2f} %  F {100 * 2 * recall * precision / max(1e-9, recall + precision):6.2f} %  ({truth} lines)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--pages", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--peer", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--draw", type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--sweep", action="store_true")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    models = [("this", args.onnx, OURS)] + ([("peer", args.peer, PEER)] if args.peer else [])
    for label, path, how in models:
        with Session(path) as session:
            for folder in args.pages:
                measure(label, session, how, folder, args)
            if args.pictures:
                draw(label, session, how, args)


def measure(label, session, how, folder, args):
    settings = [how] if not args.sweep else [{**how, "pixel": p, "box": b, "unclip": u} for p in (0.3, 0.4, 0.5, 0.6, 0.7) for b in (0.6, 0.7) for u in (how["unclip"], 1.2 * how["unclip"])]
    totals = [collections.defaultdict(lambda: np.zeros(3, int)) for _ in settings]
    elapsed = []
    for truth in sorted(folder.glob("*.json"))[:args.limit]:
        page = json.loads(truth.read_text())
        picture = next(p for p in (truth.with_suffix(e) for e in (".jpg", ".png")) if p.exists())
        lines = [np.array(line["polygon"], np.float32) for line in page["lines"] if line["text"].strip()]
        image, lines = upright(cv2.imread(str(picture)), lines, page["rotation"])
        chart, scale = probability(session, image, args.side)
        elapsed.append(session.elapsed)
        for total, setting in zip(totals, settings):
            found = [(b / scale).astype(np.float32) for b, _ in kernels.boxes(chart, **setting)]
            count, hit = match(found, lines)
            for key in ("all", page["kind"]):
                total[key] += (count, len(lines), len(found))
    for total, setting in zip(totals, settings):
        print(f"{label} {folder.name} pixel {setting['pixel']} box {setting['box']} unclip {setting['unclip']:.2f}: {figures(total['all'])}, {1000 * np.median(elapsed):.0f} ms a page, one thread", flush=True)
        if not args.sweep:
            for kind in sorted(total):
                if kind != "all":
                    print(f"  {kind:10s} {figures(total[kind])}")


def draw(label, session, how, args):
    args.draw.mkdir(parents=True, exist_ok=True)
    for path in sorted(args.pictures.iterdir()):
        image = cv2.imread(str(path))
        if image is None:
            continue
        chart, scale = probability(session, image, args.side)
        heat = cv2.resize((chart * 255).astype(np.uint8), None, fx=how["stride"] / scale[0], fy=how["stride"] / scale[1])[:image.shape[0], :image.shape[1]]
        image[..., 1] = np.maximum(image[..., 1], heat[:image.shape[0], :image.shape[1]] // 2)
        for corners, _ in kernels.boxes(chart, **how):
            cv2.polylines(image, [np.round(corners / scale).astype(np.int32)], True, (0, 0, 255), 2)
        cv2.imwrite(str(args.draw / f"{label}-{path.stem}.jpg"), image)


if __name__ == "__main__":
    main()
