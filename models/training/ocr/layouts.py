"""Draws clean pages of court papers with exact truth.

python3 models/training/ocr/layouts.py --data DATA --out DIR [--count 12] [--seed 1] [--kind table]     # to look at some

A line's polygon is the ink of its characters, at least as high as a full-size character of its script ("国" or "H") on the same baseline.
What a gap above 1.5 times the height, or a ruling, parts are lines of their own: the cells of a table's row, a label and its value far away. Lines come in the order in which a person reads: header, title, text column by column, a table row by row and
in a row from left to right, page number. A seal's letters are no lines.
"""
import argparse
import pathlib

import cv2
import numpy as np

import corpus
import fonts as faces
import prose
import sheets
from canvas import Style
from page import Line, Page

__all__ = ["KINDS", "Line", "Page", "render"]

# Kind: how to draw it, and its share among pages.
KINDS = {
    "complaint": (prose.complaint, 1.2), "judgment": (prose.judgment, 1.2), "contract": (prose.contract, 1.0), "statute": (prose.statute, 1.0),
    "columns": (prose.columns, 0.5), "vertical": (prose.vertical, 0.4), "english": (prose.english, 0.5), "notes": (prose.notes, 0.8),
    "id-card": (sheets.id_card, 0.8), "evidence": (sheets.evidence, 1.0), "invoice": (sheets.invoice, 0.8), "chat": (sheets.chat, 1.0),
    "table": (sheets.table, 0.9), "form": (sheets.form, 1.0),
}
_INKS = [(20, 20, 20)] * 6 + [(0, 0, 0), (45, 45, 45), (70, 60, 60), (60, 35, 25)]  # BGR
_RARE = {"thin": 0.15, "extralight": 0.4, "black": 0.3, "light": 0.7}


class Look:
    """What the parts of one page share: its fonts, its text, its resolution."""

    def __init__(self, rng, split, fonts, dpi):
        self.rng, self.dpi, self.fonts, self.text = rng, dpi, list(fonts), corpus.Sampler(rng, split)
        usual = [_RARE.get(f.name.rsplit("-", 1)[-1], 1.0) * (0.25 if f.name.startswith("cwtex") else 1.0)
                 * (1.6 if f.style in ("song", "fangsong") else 1.0) for f in self.fonts]
        self.body = self._weighted(usual)
        self.bold = self._weighted([u * (3.0 if f.weight >= 600 or f.style == "hei" else 0.6) for u, f in zip(usual, self.fonts)])
        self.brush = self._weighted([u * (20.0 if f.style in ("kai", "fangsong", "yuan") else 0.3) for u, f in zip(usual, self.fonts)])
        self.screen = self._weighted([u * (8.0 if f.style in ("hei", "yuan") else 0.2) for u, f in zip(usual, self.fonts)])
        self.latins = [f for f in faces.LATIN if f.style != "mono"] or self.fonts
        self.latin = self.pick(self.latins) if rng.random() < 0.35 else None
        self.ink = self.pick(_INKS)
        self._whole = [f for f in self.fonts if not f.name.startswith("cwtex")]

    def _weighted(self, weights):
        weights = np.asarray(weights, float)
        return self.fonts[self.rng.choice(len(self.fonts), p=weights / weights.sum())]

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def paper(self):
        """The paper's colour, BGR: white, or off-white."""
        if self.rng.random() < 0.5:
            return (255, 255, 255)
        level, tint = self.rng.uniform(215, 255), self.rng.uniform(0, 14)
        return tuple(int(v) for v in (level - tint, level - tint / 3, level))

    def style(self, font, points, ink=None):
        """A style of `points` (1/72 inch); characters that its font lacks come from a font of the like weight."""
        near = sorted(self._whole, key=lambda f: (abs(f.weight - font.weight), f.style != font.style))[:3]
        return Style(font, points * self.dpi / 72, ink=ink or self.ink, latin=self.latin, others=near, rng=self.rng)


def render(rng, split, fonts, kind=None, dpi=150):
    """-> Page. `rng`: numpy Generator; `split`: "train" or "held"; `fonts`: the Chinese fonts to choose from; `kind`: one of KINDS, or
    None to draw one by its share; `dpi`: resolution (a chat screenshot is 5 inches wide, an ID card at least 8 pixels a millimetre)."""
    if kind is None:
        shares = np.array([share for _, share in KINDS.values()])
        kind = list(KINDS)[rng.choice(len(KINDS), p=shares / shares.sum())]
    look = Look(rng, split, fonts, dpi)
    canvas = KINDS[kind][0](look)
    main = {"notes": look.brush, "chat": look.screen}.get(kind, look.body)
    return canvas.page(kind, main.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=list(KINDS))
    parser.add_argument("--boxes", action="store_true", help="draw the truth onto the pages")
    args = parser.parse_args()
    if args.data:
        corpus.use(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    for i in range(args.count):
        rng = np.random.default_rng([args.seed, i])
        page = render(rng, "train", faces.TRAIN, args.kind, int(rng.choice([120, 150, 200])))
        if args.boxes:
            for line in page.lines:
                cv2.polylines(page.image, [np.round(line.polygon).astype(np.int32)], True, (0, 0, 255), 1)
                for _, x, y, w, h in line.chars:
                    cv2.rectangle(page.image, (int(x), int(y)), (int(x + w) - 1, int(y + h) - 1), (0, 160, 0), 1)
        cv2.imwrite(str(args.out / f"{i:03d}-{page.kind}.png"), page.image)
        (args.out / f"{i:03d}-{page.kind}.txt").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
