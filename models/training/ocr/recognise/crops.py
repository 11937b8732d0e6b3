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
from lines import HEIGHT, WIDER, Line

PAGES = 25                       # in a file
HARD = ("english", "vertical", "invoice", "form", "table")     # kinds of pages that are read worst: shown more often
# Court papers are set in few of the fonts that Noto has so many weights of.
SHOWN = TRAIN + [f for f in TRAIN if not f.name.startswith(("noto", "cwtex"))] + [f for f in TRAIN if f.style == "kai" and not f.name.startswith("cwtex")] * 2


def crop(page, polygon, margins=(0.08, 0.08, 0.08, 0.08), jitter=None, size=HEIGHT):
    """The line inside `polygon` (clockwise from the upper left) of a gray page, made upright and `size` pixels high. `margins` (left, top,
    right, bottom) are in line heights, `jitter` [4, 2] moves the corners, in line heights. -> picture, matrix from page to picture."""
    p = np.asarray(polygon, np.float32)
    along, down = p[1] - p[0], p[3] - p[0]
    length, height = max(1.0, np.linalg.norm(along)), max(1.0, np.linalg.norm(down))
    a, left, top, right, bottom = along / length * height, *margins
    p = np.stack([p[0] - left * a - top * down, p[1] + right * a - top * down, p[2] + right * a + bottom * down, p[3] - left * a + bottom * down])
    if jitter is not None:
        p += jitter * height
    scale = size / (height * (1 + top + bottom))
    width = max(8, round((length + (left + right) * height) * scale))
    fine = int(np.ceil(1 / scale)) if scale < 0.8 else 1      # shrink from a finer picture, against aliasing
    to = np.array([[0, 0], [width, 0], [width, size], [0, size]], np.float32) * fine
    matrix = cv2.getPerspectiveTransform(p.astype(np.float32), to)
    image = cv2.warpPerspective(page, matrix, (width * fine, size * fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if fine > 1:
        image = cv2.resize(image, (width, size), interpolation=cv2.INTER_AREA)
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


def part(line, first, end, rng):
    """The stretch of a crop that shows characters `first` to `end`, with a part of the gaps beside them."""
    boxes = line.boxes[first:end]
    left, right = max(0.0, boxes[:, 0].min()), min(float(line.image.shape[1]), boxes[:, 2].max())
    before = left - line.boxes[:first, 2].max() if first else left
    after = line.boxes[end:, 0].min() - right if end < len(line.text) else line.image.shape[1] - right
    x0 = int(max(0, left - rng.uniform(0.2, 0.9) * min(max(before, 1), HEIGHT / 2)))
    x1 = int(np.ceil(min(line.image.shape[1], right + rng.uniform(0.2, 0.9) * min(max(after, 1), HEIGHT / 2))))
    return Line(line.image[:, x0:x1], line.text[first:end], boxes - np.array([x0, 0, x0, 0], np.float32))


def shaken(rng, line):
    """A crop framed, stretched, lit and focused a little otherwise, or a part of it, so that the files show more than once."""
    image, text, boxes = line
    if len(text) > 3 and rng.random() < 0.3:
        first = int(rng.integers(0, len(text) - 1)) if rng.random() < 0.6 else 0
        end = int(rng.integers(first + 1, len(text) + 1)) if first == 0 or rng.random() < 0.4 else len(text)
        while first < end and text[first] == " ":
            first += 1
        while first < end and text[end - 1] == " ":
            end -= 1
        if first < end:
            image, text, boxes = part(line, first, end, rng)
    h, w = image.shape
    sx, sy = np.exp(rng.normal(0, 0.05)) * (WIDER if rng.random() < 0.25 else 1.0), np.exp(rng.normal(0, 0.03))
    dy = h * (1 - sy) / 2 + rng.normal(0, 0.5)
    turn = rng.normal(0, 0.25) / max(w, 64)
    width = max(8, round(w * sx))
    matrix = np.array([[width / w, 0, 0], [turn, sy, dy - turn * w / 2]])
    image = cv2.warpAffine(image, matrix, (width, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    boxes = boxes * np.array([width / w, sy] * 2, np.float32) + np.array([0, dy] * 2, np.float32)
    kind = rng.random()
    if kind < 0.08:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.8))
    elif kind < 0.16:
        image = cv2.add(image, rng.normal(0, rng.uniform(1, 8), image.shape), dtype=cv2.CV_8U)
    elif kind < 0.3:
        image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.7, 1.0), beta=rng.uniform(0, 40))
    return Line(image, text, boxes)


def pieces(rng, line, most=44):
    """A line, in parts of at most `most` characters."""
    while len(line.text) > most:
        end = int(rng.integers(most // 2, most))
        while end > 1 and " " in line.text[end - 1:end + 1]:
            end -= 1
        yield part(line, 0, end, rng)
        line = part(line, end, len(line.text), rng)
    yield line


# What stands in a corner of its square in vertical writing, and what is turned.
CORNER, TURNED = frozenset("，。、,."), frozenset("（）《》〈〉「」『』【】〔〕()[]<>")


def upright(rng, gray, line):
    """A column laid out as the reader lays it out (column.go): square by square side by side, with commas and stops at the lower left and brackets turned back."""
    p, size = np.asarray(line.polygon, np.float32), 2 * HEIGHT
    image, matrix = crop(gray, p[[1, 2, 3, 0]], np.clip(rng.normal(0.08, 0.04, 4), -0.02, 0.2), rng.normal(0, 0.012, (4, 2)), size)
    found = truth(line.text, line.chars, matrix)
    if not found or " " in found[0]:
        return None
    text, boxes = found
    paper = float(np.percentile(image, 75))
    strip, placed, at = np.full((HEIGHT, int(len(text) * HEIGHT + 1)), paper, np.uint8), [], 0.0
    for i, (c, (left, top, right, bottom)) in enumerate(zip(text, boxes)):
        middle = (left + right) / 2
        lo, hi = min(middle - size / 2, left), max(middle + size / 2, right)
        lo = max(lo, (boxes[i - 1, 2] + left) / 2 if i else 0)
        hi = min(hi, (right + boxes[i + 1, 0]) / 2 if i + 1 < len(text) else image.shape[1])
        ink = np.array([left, top, right, bottom]) + 0.02 * size * rng.normal(size=4)
        small = right - left < 0.45 * size and bottom - top < 0.45 * size and abs((top + bottom) / 2 - size / 2) > 0.12 * size
        x0, y0, x1, y1, advance = lo, 0.0, hi, float(size), HEIGHT
        to = np.array([at, 0, at + HEIGHT, HEIGHT])
        if small:
            x0, y0, x1, y1 = ink + np.array([-1, -1, 1, 1]) * 0.04 * size
            to = np.array([at + 0.06 * HEIGHT, 0.92 * HEIGHT - (x1 - x0) / 2, at + 0.06 * HEIGHT + (y1 - y0) / 2, 0.92 * HEIGHT])
            advance = 0.9 * HEIGHT
        # Down the column is x here, and its right edge is on top.
        corners = np.array([[x0, y1], [x0, y0], [x1, y0], [x1, y1]]) if not (c in TURNED and not small) else np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        target = np.array([[to[0], to[1]], [to[2], to[1]], [to[2], to[3]], [to[0], to[3]]])
        m = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
        a, b = int(np.ceil(to[0] - 0.5)), min(int(np.ceil(to[2] - 0.5)), strip.shape[1])
        if b <= a or x1 - x0 < 1 or y1 - y0 < 1:
            return None
        patch = cv2.warpPerspective(cv2.GaussianBlur(image, (0, 0), 0.8), m, (strip.shape[1], HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        y = max(0, int(np.ceil(to[1] - 0.5))), min(HEIGHT, int(np.ceil(to[3] - 0.5)))
        strip[y[0]:y[1], a:b] = patch[y[0]:y[1], a:b]
        q = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]]) @ m.T
        q = q[:, :2] / q[:, 2:]
        placed.append([*q.min(0), *q.max(0)])
        at += advance
    return Line(strip[:, :int(np.ceil(at))], text, np.array(placed, np.float32))


def lines_of(rng, page):
    """Crops of a page's lines, as badly framed as a detector's, at most 44 characters long; of its columns, laid out as lines."""
    gray = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    for line in page.lines:
        if not line.chars:
            continue
        if line.vertical:
            if laid := upright(rng, gray, line):
                yield from pieces(rng, laid)
            continue
        margins = np.clip(rng.normal(0.08, 0.05, 4), -0.02, 0.24) + np.array([rng.uniform(0, 0.2), 0, rng.uniform(0, 0.2), 0])
        image, matrix = crop(gray, line.polygon, margins, rng.normal(0, 0.012, (4, 2)))
        found = truth(line.text, line.chars, matrix)
        if found:
            yield from pieces(rng, Line(image, *found))


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
            kind = HARD[rng.integers(len(HARD))] if rng.random() < 0.4 else None
            page = render(rng, "train", SHOWN, kind, dpi=int(rng.integers(110, 211)))
            lines += lines_of(rng, degrade(rng, page, float(rng.uniform(0.15, 0.85))))
        part = path.with_suffix(".part")
        with open(part, "wb") as f:
            np.savez(f, ink=np.concatenate([line.image for line in lines], 1), widths=[line.image.shape[1] for line in lines],
                     texts=[line.text for line in lines], boxes=np.concatenate([line.boxes for line in lines]))
        part.rename(path)
        print(f"{path.name}: {len(lines)} lines, {sum(len(line.text) for line in lines)} characters", flush=True)


if __name__ == "__main__":
    main()
