"""Draws pages, spoils them and keeps upright pieces of them, from which train.py cuts tiles.

python3 models/training/ocr/orient/data.py --data DATA --out DIR [--shards 80] [--seed 1]

A shard holds the pieces of 50 pages; shards that are there already are left, so the run can be interrupted.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import corpus
import fonts
import tiles
from degrade import degrade
from layouts import KINDS, render

PIECE = 128          # pixels, a side: room around a tile for turning and moving it
PAGES, PIECES = 50, 20
# Vertical text, pages that show little text and English, whose letters tell less than Chinese characters, are drawn more often than they occur.
SHARES = {"vertical": 1.6, "id-card": 1.2, "chat": 1.2, "notes": 1.2, "english": 4.0, "invoice": 1.0}


def kind_of(rng):
    shares = np.array([SHARES.get(k, 0.8) for k in KINDS])
    return list(KINDS)[rng.choice(len(KINDS), p=shares / shares.sum())]


def picture(rng, page):
    """The page in gray as the server would see it, now and then larger, as when a close photograph shows big characters."""
    gray = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    h, w = gray.shape
    if rng.random() < (0.5 if page.kind == "english" else 0.25):
        zoom = rng.uniform(1.0, 2.6) * tiles.SIZE / (w * h) ** 0.5
        if zoom < 1:
            return cv2.resize(gray, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        return gray
    root = rng.uniform(tiles.LEAST, tiles.SIZE)
    zoom = min(1.0, root / (w * h) ** 0.5)
    gray = cv2.resize(gray, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA if rng.random() < 0.8 else cv2.INTER_LINEAR)
    return np.ascontiguousarray(gray[:gray.shape[0] // 2 * 2, :gray.shape[1] // 2 * 2])


def pieces(rng, gray, count):
    """Up to `count` busy pieces: the places that the server would choose, and others with anything on them."""
    pad = (PIECE - tiles.TILE) // 2
    gray = cv2.copyMakeBorder(gray, 0, max(0, tiles.TILE - gray.shape[0]), 0, max(0, tiles.TILE - gray.shape[1]), cv2.BORDER_REPLICATE)
    cells = tiles.contrast(gray)
    at = tiles.places(cells, count // 2)
    busy = [(x, y) for x, y in tiles.places(cells, 10 ** 6) if (x, y) not in at]
    more = [busy[i] for i in rng.permutation(len(busy))[:count - len(at)]]
    while len(at) + len(more) < count and at:
        x, y = at[rng.integers(len(at))]
        more.append((int(np.clip(x + rng.integers(-40, 41), 0, gray.shape[1] - tiles.TILE)), int(np.clip(y + rng.integers(-40, 41), 0, gray.shape[0] - tiles.TILE))))
    around = cv2.copyMakeBorder(gray, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return [around[y:y + PIECE, x:x + PIECE] for x, y in [*at, *more]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--shards", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    corpus.use(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    for shard in range(args.shards):
        path = args.out / f"tiles-{shard:04d}.npz"
        if path.exists():
            continue
        found, vertical, kinds = [], [], []
        for i in range(PAGES):
            rng = np.random.default_rng([args.seed, shard, i])
            dpi = int(rng.choice([84, 100, 120, 150, 200], p=[0.2, 0.25, 0.2, 0.25, 0.1]))
            page = render(rng, "train", fonts.TRAIN, kind_of(rng), dpi)
            if rng.random() < 0.85:
                page = degrade(rng, page, rng.uniform(0, 0.9))
            for piece in pieces(rng, picture(rng, page), PIECES):
                found.append(piece), vertical.append(page.kind == "vertical"), kinds.append(list(KINDS).index(page.kind))
        part = path.with_suffix(".part.npz")
        np.savez(part, pieces=np.stack(found), vertical=np.array(vertical), kind=np.array(kinds, np.uint8))
        part.rename(path)
        print(f"{path.name}: {len(found)} pieces", flush=True)


if __name__ == "__main__":
    main()
