"""Draws text onto a page with the place of every character known: the page is put together from glyphs, not from strings."""
import collections
import functools

import cv2
import numpy as np
from PIL import ImageFont

from fonts import LATIN, covers
from page import Line, Page

NEVER_FIRST = frozenset("，。、；：？！）》」』”’〕】〉…,.;:?!)]}%％℃‰")  # closing punctuation hangs on the line before (GB/T 15834)
NEVER_LAST = frozenset("（《「『“‘〔【〈([{￥¥$№")
INK_LEVEL = 48       # of 255: fainter pixels of a glyph's rim do not count as ink
JOIN_GAP = 1.5       # of the line's height: what is nearer on one baseline is one line
SLANTS = 13          # slants of handwriting, 1 degree apart


def han(char):
    """Whether a character takes a full square."""
    return char >= "\u2e80" or char in "“”‘’…—·①②③④⑤⑥⑦⑧⑨⑩"


Glyph = collections.namedtuple("Glyph", "mask left top box advance")
Glyph.__doc__ = "`mask`: uint8 coverage; `left`, `top`: its corner from the pen on the baseline; `box`: ink in the mask (x, y, w, h) or None."


@functools.lru_cache(maxsize=400)
def _face(path, index, size):
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)  # no shaping: one character at a time


@functools.lru_cache(maxsize=40000)
def glyph(font, size, char, slant=0):
    """One character of `font` at `size` pixels, turned by `slant` degrees clockwise."""
    face = _face(font.path, font.index, size)
    core, (left, top) = face.getmask2(char, mode="L", anchor="ls")
    w, h = core.size
    mask = np.asarray(core, np.uint8).reshape(h, w) if w and h else np.zeros((0, 0), np.uint8)
    advance = face.getlength(char)
    if slant and mask.size:
        pad = size // 5 + 2
        mask = cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
        turn = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), -slant, 1.0)
        mask = cv2.warpAffine(mask, turn, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_LINEAR)
        left, top = left - pad, top - pad
    box = None
    if mask.size:
        ink = mask >= min(INK_LEVEL, int(mask.max()))
        if mask.max() > 0:
            rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
            box = (int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1))
    return Glyph(mask, int(left), int(top), box, float(advance))


class Style:
    """How text looks. `size` and `spacing` (added after each character) are pixels. `latin`: a font for ASCII, or None to take it from
    `font`. `wild` > 0 is handwriting: every character moves, grows and slants a little. Characters that `font` lacks come from the
    first of `others` that has them."""

    def __init__(self, font, size, spacing=0.0, ink=(20, 20, 20), latin=None, others=(), wild=0.0, rng=None):
        self.font, self.size, self.spacing, self.ink = font, max(6, int(round(size))), spacing, tuple(int(v) for v in ink)
        self.latin, self.others, self.wild, self.rng = latin, tuple(others), wild, rng

    def but(self, **changes):
        """A copy with changes."""
        style = Style(self.font, self.size, self.spacing, self.ink, self.latin, self.others, self.wild, self.rng)
        for name, value in changes.items():
            setattr(style, name, value)
        style.size = max(6, int(round(style.size)))
        return style

    def pick(self, char):
        """The font that draws `char`, or None."""
        if self.latin is not None and "!" <= char <= "~":
            return self.latin
        for font in (self.font, *self.others, *LATIN):
            if covers(font, char):
                return font
        return None

    def has(self, text):
        """`text` without what no font draws."""
        return "".join(c for c in text if c == " " or self.pick(c) is not None)

    def width(self, text):
        return sum(self.advance(c) for c in text)

    def advance(self, char):
        if char == "\u3000":
            return self.size + self.spacing
        font = self.font if char == " " else self.pick(char)
        return 0.0 if font is None else glyph(font, self.size, char).advance + self.spacing

    @functools.cached_property
    def reference(self):
        """Ink above and below the baseline of a full-size Chinese character and of a capital: ((up, down), (up, down))."""
        return tuple(self._extent(c) for c in "国H")

    def _extent(self, char):
        g = glyph(self.pick(char) or self.font, self.size, char)
        if g.box is None:
            return 0.8 * self.size, 0.1 * self.size
        return -(g.top + g.box[1]), g.top + g.box[1] + g.box[3]


class Canvas:
    """A page in the making. Coordinates are pixels; text stands on baselines."""

    def __init__(self, rng, width, height, paper=(255, 255, 255), dpi=150):
        self.rng, self.width, self.height, self.dpi, self.paper = rng, int(width), int(height), dpi, paper
        self.image = np.empty((self.height, self.width, 3), np.uint8)
        self.image[:] = np.asarray(paper, np.uint8)
        self.layers, self.lines, self.regions = {}, [], []

    def point(self, pt):
        """Points (1/72 inch) in pixels."""
        return pt * self.dpi / 72

    def _layer(self, ink):
        if ink not in self.layers:
            self.layers[ink] = np.zeros((self.height, self.width), np.uint8)
        return self.layers[ink]

    def _put(self, layer, mask, x, y):
        h, w = mask.shape
        x0, y0, x1, y1 = max(0, x), max(0, y), min(self.width, x + w), min(self.height, y + h)
        if x0 < x1 and y0 < y1:
            part = layer[y0:y1, x0:x1]
            np.maximum(part, mask[y0 - y:y1 - y, x0 - x:x1 - x], out=part)

    def text(self, x, y, text, style, role="body", gaps=None, record=True):
        """Writes `text` from x on the baseline y and returns its Line (None where nothing was drawn). A space, or an ideographic space,
        leaves its room. `gaps`: extra pixels after each character."""
        layer, chars, written, pen = self._layer(style.ink), [], [], float(x)
        drift = 0.0
        for i, char in enumerate(text):
            if char in " \u3000":
                pen += style.advance(char) + (gaps[i] if gaps is not None else 0)
                if written and written[-1] != " ":
                    written.append(" ")
                continue
            font = style.pick(char)
            if font is None:
                continue
            size, slant, dx, dy = style.size, 0, 0.0, 0.0
            if style.wild:
                noise = style.rng.normal(size=4)
                size = max(6, int(round(style.size * (1 + round(float(np.clip(noise[0], -2, 2)) * 2) * 0.03 * style.wild))))
                slant = int(np.clip(round(noise[1] * 3 * style.wild), -(SLANTS // 2), SLANTS // 2))
                drift = 0.8 * drift + 0.02 * style.size * style.wild * noise[2]
                dx, dy = 0.03 * style.size * style.wild * noise[3], drift
            g = glyph(font, size, char, slant)
            if g.box is not None:
                gx, gy = int(round(pen + dx + g.left)), int(round(y + dy + g.top))
                bx, by, bw, bh = g.box
                if gx + bx < 0 or gy + by < 0 or gx + bx + bw > self.width or gy + by + bh > self.height:
                    break  # no half characters at the paper's edge
                self._put(layer, g.mask, gx, gy)
                chars.append((char, float(gx + bx), float(gy + by), float(bw), float(bh)))
                written.append(char)
            pen += g.advance + style.spacing + (gaps[i] if gaps is not None else 0)
        if not chars:
            return None
        up, down = style.reference[0 if any(han(c[0]) for c in chars) else 1]
        left, right = min(c[1] for c in chars), max(c[1] + c[3] for c in chars)
        top, bottom = min(y - up, min(c[2] for c in chars)), max(y + down, max(c[2] + c[4] for c in chars))
        polygon = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
        line = Line("".join(written).strip(), polygon, chars, role=role)
        if record:
            self.lines.append(line)
        return line

    def join(self, first, second):
        """Makes one line of two on the same baseline when the gap between them is below JOIN_GAP."""
        if first is None or second is None:
            return
        a, b = first.polygon, second.polygon
        if b[0, 0] - a[1, 0] >= JOIN_GAP * max(a[2, 1] - a[1, 1], b[2, 1] - b[1, 1]):
            return
        self.lines.remove(second)
        low, high = np.minimum(a.min(0), b.min(0)), np.maximum(a.max(0), b.max(0))
        first.text, first.chars = first.text + " " + second.text, first.chars + second.chars
        first.polygon = np.array([low, [high[0], low[1]], high, [low[0], high[1]]], np.float32)

    def vertical(self, x, y, text, style, bottom, role="body"):
        """Writes one column downwards, centred on x, from y until `bottom`; returns the characters it took."""
        layer, chars, pen, taken = self._layer(style.ink), [], float(y), 0
        for char in text:
            font = style.pick(char)
            if pen + style.size > bottom:
                break
            taken += 1
            if font is None or char in " \u3000":
                pen += style.size / 2
                continue
            g = glyph(font, style.size, char)
            if g.box is None:
                continue
            mask, box = g.mask, g.box
            turned = char in "（）《》〈〉「」『』【】〔〕—…～()[]<>-"
            corner = char in "，。、；：！？,."
            if turned:
                mask = cv2.rotate(mask, cv2.ROTATE_90_CLOCKWISE)
                box = (mask.shape[1] - g.box[1] - g.box[3], g.box[0], g.box[3], g.box[2])
            if corner and char in "，。、,.":  # in the upper right of its square
                gx, gy = x + style.size * 0.5 - mask.shape[1] - 0.06 * style.size, pen + 0.08 * style.size
            elif turned or not han(char) or corner:
                gx, gy = x - mask.shape[1] / 2, pen + (style.size - mask.shape[0]) / 2
            else:
                gx, gy = x - style.size / 2 + g.left, pen + 0.86 * style.size + g.top
            gx, gy = int(round(gx)), int(round(gy))
            self._put(layer, mask, gx, gy)
            chars.append((char, float(gx + box[0]), float(gy + box[1]), float(box[2]), float(box[3])))
            pen += style.size + style.spacing
        if chars:
            half = 0.46 * style.size
            left, right = min(x - half, min(c[1] for c in chars)), max(x + half, max(c[1] + c[3] for c in chars))
            top, low = min(c[2] for c in chars), max(c[2] + c[4] for c in chars)
            self.lines.append(Line("".join(c[0] for c in chars), np.array([[left, top], [right, top], [right, low], [left, low]], np.float32),
                                   chars, vertical=True, role=role))
        return taken

    def rule(self, x0, y0, x1, y1, width=1, ink=(30, 30, 30), dash=0):
        """A straight line, dashed with `dash` pixels where that is not 0."""
        layer = self._layer(tuple(ink))
        a, b = np.array([x0, y0], float), np.array([x1, y1], float)
        steps = max(1, int(np.abs(b - a).max() // (2 * dash))) if dash else 1
        for i in range(steps):
            p, q = a + (b - a) * i / steps, a + (b - a) * (i + (0.5 if dash else 1)) / steps
            cv2.line(layer, tuple(int(round(v)) for v in p), tuple(int(round(v)) for v in q), 255, max(1, int(round(width))))

    def box(self, x0, y0, x1, y1, width=1, ink=(30, 30, 30)):
        for edge in ((x0, y0, x1, y0), (x1, y0, x1, y1), (x1, y1, x0, y1), (x0, y1, x0, y0)):
            self.rule(*edge, width=width, ink=ink)

    def fill(self, x0, y0, x1, y1, colour, radius=0):
        """A filled rectangle below everything written, with round corners where `radius` > 0."""
        x0, y0, x1, y1, r = (int(round(v)) for v in (x0, y0, x1, y1, radius))
        colour = tuple(int(v) for v in colour)
        r = max(0, min(r, (x1 - x0) // 2, (y1 - y0) // 2))
        cv2.rectangle(self.image, (x0 + r, y0), (x1 - r, y1), colour, -1)
        if r:
            cv2.rectangle(self.image, (x0, y0 + r), (x1, y1 - r), colour, -1)
            for cx, cy in ((x0 + r, y0 + r), (x1 - r, y0 + r), (x0 + r, y1 - r), (x1 - r, y1 - r)):
                cv2.circle(self.image, (cx, cy), r, colour, -1, cv2.LINE_AA)

    def region(self, kind, x0, y0, x1, y1):
        self.regions.append((kind, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)))

    def flush(self):
        """Brings what was written so far onto the picture, so that what follows may cover it."""
        for ink, layer in self.layers.items():
            ys, xs = np.flatnonzero(cv2.reduce(layer, 1, cv2.REDUCE_MAX)), np.flatnonzero(cv2.reduce(layer, 0, cv2.REDUCE_MAX))
            if not len(ys):
                continue
            area = np.s_[ys[0]:ys[-1] + 1, xs[0]:xs[-1] + 1]
            for channel in range(3):
                ground = self.image[area][..., channel]
                cover = layer[area]
                mixed = cv2.multiply(ground, 255 - cover, scale=1 / 255)
                self.image[area][..., channel] = cv2.add(mixed, cv2.multiply(cover, np.full_like(cover, ink[channel]), scale=1 / 255))
        self.layers.clear()

    def page(self, kind, font):
        self.flush()
        return Page(self.image, self.lines, self.regions, kind, self.dpi, font)
