"""Cuts lines out of rendered and spoilt pages of the training fonts and texts, which training mixes with drawn lines.

python3 models/training/ocr/recognise/crops.py --out OUT/crops [--data DATA] [--pages 1500] [--seed 1]

Each file SEED-NNNN.npz holds the lines of 25 pages: `ink` (all pictures side by side, uint8 [32, sum of widths]), `widths`, `texts`,
`boxes` (rows of all characters). Interrupted, it goes on where it stopped. Training reads the files there are.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import corpus
from degrade import degrade
from fonts import TRAIN
from layouts import render
from lines import HEIGHT, Line

PAGES = 25                       # in a file
# Court papers are set in few of the fonts that Noto has so many weights of.
SHOWN = TRAIN + [f for f in TRAIN if not f.name.startswith(("noto", "cwtex"))] + [f for f in TRAIN if f.style == "kai" and not f.name.startswith("cwtex")] * 2


def crop(page, polygon, margins=(0.08, 0.08, 0.08, 0.08), jitter=None):
    """The line inside `polygon` (clockwise from the upper left) of a gray page, made upright and 32 pixels high. `margins` (left, top,
    right, bottom) are in line heights, `jitter` [4, 2] moves the corners, in line heights. -> picture, matrix from page to picture."""
    p = np.asarray(polygon, np.float32)
    along, down = p[1] - p[0], p[3] - p[0]
    length, height = max(1.0, np.linalg.norm(along)), max(1.0, np.linalg.norm(down))
    a, left, top, right, bottom = along / length * height, *margins
    p = np.stack([p[0] - left * a - top * down, p[1] + right * a - top * down, p[2] + right * a + bottom * down, p[3] - left * a + bottom * down])
    if jitter is not None:
        p += jitter * height
    scale = HEIGHT / (height * (1 + top + bottom))
    width = max(8, round((length + (left + right) * height) * scale))
    fine = int(np.ceil(1 / scale)) if scale < 0.8 else 1      # shrink from a finer picture, against aliasing
    to = np.array([[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]], np.float32) * fine
    matrix = cv2.getPerspectiveTransform(p.astype(np.float32), to)
    image = cv2.warpPerspective(page, matrix, (width * fine, HEIGHT * fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if fine > 1:
        image = cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    return image, matrix / np.array([[fine], [fine], [1]])


def truth(text, chars, matrix):
    """-> the text in the recogniser's characters, and boxes [n, 4] in the crop; None where text and boxes do not go together."""
    given, boxes, kept = iter(chars), [], []
    for c in text:
        if c.isspace():
            if kept and kept[-1] != " ":
                kept.append(" ")
                boxes.append(None)
            continue
        row = next(given, None)
        if row is None or row[0] != c:
            return None
        wanted = corpus.normalise(c)
        if len(wanted) != 1:
            return None
        x, y, w, h = row[1:]
        q = np.array([[x, y, 1], [x + w, y, 1], [x + w, y + h, 1], [x, y + h, 1]]) @ matrix.T
        q = q[:, :2] / q[:, 2:]
        boxes.append([*q.min(0), *q.max(0)])
        kept.append(wanted)
    while kept and kept[-1] == " ":
        kept.pop(), boxes.pop()
    for i, b in enumerate(boxes):                             # a space reaches from one neighbour to the other
        if b is None:
            boxes[i] = [boxes[i - 1][2], boxes[i - 1][1], max(boxes[i + 1][0], boxes[i - 1][2] + 1), boxes[i - 1][3]]
    return ("".join(kept), np.array(boxes, np.float32)) if kept else None


def lines_of(rng, page):
    """Crops of a page's horizontal lines, as badly framed as a detector's, at most 44 characters long."""
    gray = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    for line in page.lines:
        if line.vertical or not line.chars or len(line.text) > 60:
            continue
        margins = np.clip(rng.normal(0.08, 0.05, 4), -0.02, 0.24) + np.array([rng.uniform(0, 0.2), 0, rng.uniform(0, 0.2), 0])
        image, matrix = crop(gray, line.polygon, margins, rng.normal(0, 0.012, (4, 2)))
        found = truth(line.text, line.chars, matrix)
        if found and image.shape[1] <= 1600:
            yield Line(image, *found)


def load(path):
    """The lines of one file."""
    with np.load(path) as f:
        ends, found = np.cumsum(f["widths"]), []
        texts, boxes, ink = f["texts"], f["boxes"], f["ink"]
    start, row = 0, 0
    for end, text in zip(ends, texts):
        text = str(text)
        found.append(Line(ink[:, start:end], text, boxes[row:row + len(text)]))
        start, row = end, row + len(text)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--pages", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.data:
        corpus.use(args.data)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(args.pages // PAGES):
        path = args.out / f"{args.seed}-{number:04}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([args.seed, number, 77])
        lines = []
        for _ in range(PAGES):
            page = render(rng, "train", SHOWN, dpi=int(rng.integers(110, 211)))
            lines += lines_of(rng, degrade(rng, page, float(rng.uniform(0.15, 0.85))))
        part = path.with_suffix(".part")
        with open(part, "wb") as f:
            np.savez(f, ink=np.concatenate([line.image for line in lines], 1), widths=[line.image.shape[1] for line in lines],
                     texts=[line.text for line in lines], boxes=np.concatenate([line.boxes for line in lines]))
        part.rename(path)
        print(f"{path.name}: {len(lines)} lines, {sum(len(line.text) for line in lines)} characters", flush=True)


if __name__ == "__main__":
    main()
