"""Makes folders of pages to measure on: held-out fonts and held-out texts only.

python3 models/training/ocr/evalset.py --data DATA --out DIR --count 60 [--seed 1] [--rotation any|0|90|180|270] [--strength 0.5]
    [--dpi 120-200] [--format mixed|jpg|png] [--kinds all|KIND,KIND] [--orientation]

Each page gives NAME.jpg or NAME.png, NAME.txt (the lines in reading order) and NAME.json (rotation, kind, font, dpi, degradations, and every
line's polygon and characters' boxes in the picture's pixels). With --orientation NAME.txt holds the turn alone, 0, 90, 180 or 270.
The strength is drawn for each page from 0.8 to 1.2 times --strength. Page i depends on the seed and i alone; kinds and fonts go round.
"""
import argparse
import pathlib

import cv2
import numpy as np

import corpus
import fonts
from degrade import degrade, draw_parts, rotate
from layouts import KINDS, render


FAINTEST = 35        # gray levels between a line's ink and its ground
NEVER_FAXED = ("chat", "id-card", "invoice")


def legible(page):
    """Whether every line can still be told from its ground."""
    gray = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    for line in page.lines:
        x0, y0 = np.floor(line.polygon.min(0)).astype(int).clip(0)
        x1, y1 = np.ceil(line.polygon.max(0)).astype(int)
        part = gray[y0:y1, x0:x1]
        if not part.size or np.subtract(*np.percentile(part, (97, 3))) < FAINTEST:
            return False
    return True


def spoilt(rng, page, strength):
    """`page` degraded; drawn again while a line has vanished, which no reader could find."""
    for _ in range(6):
        parts = draw_parts(rng, strength) if strength else []
        if page.kind in NEVER_FAXED:
            parts = [p for p in parts if p != "fax"]
        found = degrade(rng, page, strength, parts)
        if legible(found):
            return found
    return page


def page_of(args, i):
    """-> Page and the file name's ending."""
    rng = np.random.default_rng([args.seed, i, 20261122])
    low, _, high = args.dpi.partition("-")
    dpi = int(rng.integers(int(low), int(high or low) + 1))
    kinds = list(KINDS) if args.kinds == "all" else args.kinds.split(",")
    # The page's main font goes round too; the other one stays for titles and for what the first lacks.
    first = fonts.HELD_OUT[(i // len(kinds) + i) % len(fonts.HELD_OUT)]
    page = render(rng, "held", [first] * 5 + fonts.HELD_OUT, kinds[i % len(kinds)], dpi)
    strength = min(1.0, args.strength * rng.uniform(0.8, 1.2))
    page = spoilt(rng, page, strength)
    turn = int(rng.integers(4)) * 90 if args.rotation == "any" else int(args.rotation)
    page = rotate(page, turn)
    ending = args.format if args.format != "mixed" else ("png" if rng.random() < 0.25 else "jpg")
    quality = int(rng.integers(70, 93))
    return page, ending, quality


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rotation", default="any", choices=["any", "0", "90", "180", "270"])
    parser.add_argument("--strength", type=float, default=0.5)
    parser.add_argument("--dpi", default="120-200")
    parser.add_argument("--format", default="mixed", choices=["mixed", "jpg", "png"])
    parser.add_argument("--kinds", default="all")
    parser.add_argument("--orientation", action="store_true")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.data:
        corpus.use(args.data)
    fonts.require()                                           # also those of seals and watermarks: without one, other pages are drawn
    args.out.mkdir(parents=True, exist_ok=True)
    for i in range(args.count):
        page, ending, quality = page_of(args, i)
        name = args.out / f"{i:04d}-{page.kind}"
        options = [cv2.IMWRITE_JPEG_QUALITY, quality] if ending == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 6]
        cv2.imwrite(f"{name}.{ending}", page.image, options)
        text = f"{page.rotation}\n" if args.orientation else page.text()
        pathlib.Path(f"{name}.txt").write_text(text, encoding="utf-8")
        pathlib.Path(f"{name}.json").write_text(page.truth() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
