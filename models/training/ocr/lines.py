"""Synthetic text lines for the recogniser, with the place of every character: glyphs are pasted from an atlas, then warped and spoilt.

An atlas holds every character of one font once, drawn by FreeType at one size and cached as .npy files in a work folder; composing a
line from it costs well under a millisecond, where setting type anew would cost ten times as much.
"""
import collections
import pathlib

import cv2
import numpy as np
from PIL import Image, ImageFont

import corpus
from fonts import CHARSET, HELD_OUT, LATIN, MORE, REGIONAL, TRAIN, covers, require

EM = 52                          # pixels per em of the large atlas
SMALL = 26                       # of the small one, drawn with the hinting that pages have at 150 dpi
HEIGHT = 32                      # of the recogniser's input
WIDER = 1.1                      # unsure lines are read again so much wider: a part of the lines is learnt so
MARKS = frozenset("。，、")
SIGNS = 0.12                     # share of lines that look like lettering on a shop's front
CLASS = {c: i + 1 for i, c in enumerate(CHARSET)}

Line = collections.namedtuple("Line", "image text boxes")
Line.__doc__ = """`image` uint8 [32, W] gray; `boxes` [len(text), 4]: left, top, right, bottom of each character's ink in pixels of the image
(a space: the gap)."""


class Atlas:
    """The glyphs of a font at one size: `glyph(char)` -> (ink [h, w] uint8, left, top above the baseline, advance), or None."""

    def __init__(self, font, em, folder):
        path = pathlib.Path(folder) / f"{font.name}-{em}"
        if not path.with_suffix(".ink.npy").exists():
            self._draw(font, em, path)
        self.ink = np.load(path.with_suffix(".ink.npy"), mmap_mode="r")
        self.rows = {int(r[0]): tuple(int(v) for v in r[1:]) for r in np.load(path.with_suffix(".rows.npy"))}
        self.font = font

    @staticmethod
    def _draw(font, em, path):
        face = ImageFont.truetype(font.path, em, index=font.index)
        inks, rows, at = [], [], 0
        for c in CHARSET:
            if not covers(font, c):
                continue
            mask, (left, top) = face.getmask2(c, "L", anchor="ls")
            w, h = mask.size
            ink = np.asarray(mask, np.uint8).reshape(h, w)
            if ink.size and ink.max() > 40:
                ys, xs = np.nonzero(ink.max(1) > 20)[0], np.nonzero(ink.max(0) > 20)[0]
                ink, left, top = ink[ys[0]:ys[-1] + 1, xs[0]:xs[-1] + 1], left + xs[0], top + ys[0]
            elif c != " ":
                continue
            h, w = ink.shape
            rows.append((ord(c), at, w, h, left, top, round(face.getlength(c) * 64)))
            inks.append(ink.ravel())
            at += w * h
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path.with_suffix(".rows.npy"), np.array(rows, np.int64))
        np.save(path.with_suffix(".ink.npy"), np.concatenate(inks))

    def glyph(self, char):
        row = self.rows.get(ord(char))
        if row is None:
            return None
        at, w, h, left, top, advance = row
        return self.ink[at:at + w * h].reshape(h, w), left, top, advance / 64


class Mark:
    """Another size and place for all the stops and commas of a line. Fonts differ in them more than in any other sign, and in the few that
    there are to learn from size and place tell a stop from a comma, which only the shape does."""

    def __init__(self, rng, em):
        self.size, self.right, self.down = rng.uniform(0.5, 1.1), rng.uniform(-0.04, 0.25) * em, rng.uniform(-0.12, 0.06) * em

    def __call__(self, ink, left, top, advance):
        h, w = ink.shape
        to = max(2, round(w * self.size)), max(2, round(h * self.size))
        left = min(left + (w - to[0]) / 2 + self.right, advance - to[0])
        return cv2.resize(ink, to, interpolation=cv2.INTER_AREA), left, round(top + (h - to[1]) / 2 + self.down)


class Renderer:
    """Draws lines. `split` is "train" (training fonts and texts) or "held" (held-out ones); `folder` keeps the atlases; `signs` is the share of lines whose
    strength is drawn too that look like signs."""

    def __init__(self, folder, split="train", fonts=None, signs=SIGNS):
        require(more=split == "train")
        self.fonts = fonts if fonts is not None else TRAIN + MORE + REGIONAL if split == "train" else HELD_OUT
        self.split, self.signs = split, signs
        self.atlases = {(f.name, em): Atlas(f, em, folder) for f in self.fonts + LATIN for em in (EM, SMALL)}
        fallback = [f for f in TRAIN if f.name in ("noto-sans-sc-regular", "noto-serif-sc-regular", "wqy-zenhei")] or TRAIN[:1]
        self.fallback = [{em: Atlas(f, em, folder) for em in (EM, SMALL)} for f in fallback]
        self.symbols = {em: Atlas(next(f for f in LATIN if f.name == "dejavusans"), em, folder) for em in (EM, SMALL)}
        # Mainland fonts weigh more than the foreign and the traditional ones, whose shapes only widen what is learnt.
        weights = [0.35 if f in REGIONAL or f.name.startswith(("hanazono", "klee")) else 0.7 if f.name.startswith(("cwtex", "cns")) else 1.5 if f.name.startswith("lxgw")
                   else 2.5 if f.style in ("kai", "fangsong") or not f.name.startswith("noto") else 0.6 if f.weight <= 200 else 1.0 for f in self.fonts]
        self.weights = np.array(weights) / sum(weights)
        self.covered = {f.name: [c for c in CHARSET[:-1] if ord(c) in self.atlases[f.name, EM].rows] for f in self.fonts}
        noise = np.random.default_rng(7)
        self.grain = noise.standard_normal(1 << 21).astype(np.float32)
        soft = cv2.GaussianBlur(noise.standard_normal((512, 2048)).astype(np.float32), (0, 0), 6)
        self.cloud = soft / soft.std()

    def text(self, rng, sampler, font):
        """What to write: running text, random characters, ones that look alike, numbers, names, forms, English, cells. -> text, whether it is Latin only."""
        kind, n = rng.random(), int(min(40, max(1, rng.gamma(2.2, 6.5))))
        latin = False
        if kind < 0.18:
            text = sampler.line(n)
            if rng.random() < 0.35:
                text = sampler.stops(text)
        elif kind < 0.23:
            text = sampler.alike(sampler.line(n) if rng.random() < 0.8 else sampler.number())
        elif kind < 0.59:
            pool = self.covered[font.name]
            text = "".join(pool[i] for i in rng.integers(len(pool), size=min(n, 20)))
            if rng.random() < 0.4:                     # a rare character among ordinary ones, as names have them
                chars = list(sampler.line(min(n, 20)))
                for i in range(0, min(len(chars), len(text)), 2):
                    chars[i] = text[i]
                text = "".join(chars)
        elif kind < 0.63:
            text = sampler.number()
        elif kind < 0.66:
            text = sampler.figures()
        elif kind < 0.68:
            text = sampler.range()
        elif kind < 0.71:
            text = sampler.cell()
        elif kind < 0.725:
            text = sampler.boxes()
        elif kind < 0.74:
            text = sampler.spaced()
        elif kind < 0.81:
            text, latin = sampler.english(max(4, n)), True
        elif kind < 0.875:
            text, latin = sampler.latin(max(4, n)), True
        elif kind < 0.89:
            text, latin = (sampler.email() if rng.random() < 0.5 else sampler.url()), True
        elif kind < 0.92:
            text = sampler.item() + sampler.line(max(1, n - 3))
        elif kind < 0.96:
            text = sampler.pick(["原告", "被告", "姓名", "住所", "审判长", "书记员", "法定代表人", "委托诉讼代理人", "电话", "身份证号", "地址", "甲方", "乙方", "日期"]) + sampler.pick(["：", ":", " ", "："])
            text += sampler.pick([sampler.name, sampler.address, sampler.company, sampler.phone, sampler.id_number, sampler.date, sampler.court])()
        else:
            text = sampler.pick(corpus.BRANDS) + sampler.line(max(1, n // 2)) + sampler.pick([sampler.amount, sampler.date, sampler.case_number, sampler.name, lambda: sampler.digits(4)])()
        text = " ".join(corpus.normalise(text).split())[:44].strip()
        return text or "一", latin

    def _glyphs(self, rng, text, font, em, latin):
        own = self.atlases[font.name, em]
        spare = self.fallback[rng.integers(len(self.fallback))][em]
        other = self.atlases[LATIN[rng.integers(len(LATIN))].name, em] if rng.random() < (0.6 if latin else 0.4) else own
        for c in text:
            atlas = other if ord(c) < 128 else own
            yield c, atlas.glyph(c) or own.glyph(c) or spare.glyph(c) or self.symbols[em].glyph(c)

    def compose(self, rng, text, font, em, latin=False, plain=False):
        """-> ink [h, w] uint8 with the baseline at row 1.3 em, boxes [n, 4], start and end of the line in x; em pixels per em."""
        spacing = 0.0 if plain or rng.random() < 0.4 else rng.normal(0.02, 0.04) if rng.random() < 0.9 else rng.uniform(0.08, 0.3)
        spacing = max(spacing, -0.06) * em
        room = 1.0 if plain or rng.random() < 0.6 else rng.uniform(0.95, 2.5)   # of a space
        tight = 0.5 if plain or rng.random() < 0.6 else 1.0                     # spacing of letters and digits
        glyphs, x = [], 0.6 * em
        mark = None if plain or rng.random() < 0.65 else Mark(rng, em)
        for c, (ink, left, top, advance) in self._glyphs(rng, text, font, em, latin):
            if mark and c in MARKS:
                ink, left, top = mark(ink, left, top, advance)
            narrow = tight if ord(c) < 128 else 1
            advance *= room if c == " " else 1
            glyphs.append((c, ink, round(x + left), top, advance, x))
            x += advance + spacing * narrow
        end = x - spacing
        canvas = np.zeros((round(2.1 * em), round(x + 1.2 * em)), np.uint8)
        base = round(1.3 * em)
        boxes = np.zeros((len(glyphs), 4), np.float32)
        for i, (c, ink, left, top, advance, at) in enumerate(glyphs):
            h, w = ink.shape
            if c == " ":
                boxes[i] = at, base - 0.5 * em, at + advance, base
                continue
            y, left = max(0, base + top), max(0, left)
            part = canvas[y:y + h, left:left + w]
            np.maximum(part, ink[:part.shape[0], :part.shape[1]], out=part)
            boxes[i] = left, y, left + w, min(y + h, canvas.shape[0])
        return canvas, boxes, 0.6 * em, end

    def _surroundings(self, rng, canvas, font, em):
        """What a detector's crop lets in: a neighbouring line, underlines, table rules."""
        h, w = canvas.shape
        if rng.random() < 0.3:
            above = rng.random() < 0.5
            pool, atlas = self.covered[font.name], self.atlases[font.name, em]
            x, base = -rng.uniform(0, 0.5) * em, 1.3 * em + (-1 if above else 1) * em * rng.uniform(1.08, 1.7)
            while x < w - em:
                ink, left, top, advance = atlas.glyph(pool[rng.integers(len(pool))])
                y, k = round(base + top), max(0, round(x + left))
                skip = max(0, -y)
                part = canvas[max(0, y):max(0, y + ink.shape[0]), k:k + ink.shape[1]]
                np.maximum(part, ink[skip:skip + part.shape[0], :part.shape[1]], out=part)
                x += advance * rng.uniform(1, 1.1)
        if rng.random() < 0.16:
            thick, value = int(rng.integers(1, 2 + em // 16)), int(rng.integers(90, 256))
            for y in {0: (1.3 + rng.uniform(0.14, 0.32),), 1: (1.3 - rng.uniform(0.95, 1.12),), 2: (1.3 - rng.uniform(0.95, 1.2), 1.3 + rng.uniform(0.16, 0.4))}[int(rng.integers(3))]:
                row = canvas[round(y * em):round(y * em) + thick]
                np.maximum(row, value, out=row)
        if rng.random() < 0.2:                                       # a cell's sides, which are no marks and no ones
            thick, value = int(rng.integers(1, 2 + em // 16)), int(rng.integers(90, 256))
            sides = (rng.uniform(0.02, 0.5) * em, w - rng.uniform(0.3, 1.1) * em)
            for x in sides if rng.random() < 0.4 else sides[1:] if rng.random() < 0.6 else sides[:1]:
                column = canvas[:, int(x):int(x) + thick]
                np.maximum(column, value, out=column)

    def line(self, rng, sampler, strength=None, font=None, pixels=None, text=None):
        """One line. `strength` 0 to 1.3 scales what is done to it (None: drawn), `pixels` per em before scaling to 32 (None: drawn)."""
        font = font or self.fonts[rng.choice(len(self.fonts), p=self.weights)]
        sign = strength is None and rng.random() < self.signs
        if strength is None:
            strength = 0.0 if rng.random() < 0.12 else rng.uniform(0.05, 0.9)
        if pixels is None:
            pixels = float(np.exp(rng.uniform(np.log(14), np.log(46)))) if rng.random() < 0.88 else rng.uniform(10.5, 14)
        latin = False
        if text is None:
            text, latin = self.text(rng, sampler, font)
        em = SMALL if pixels < 32 and rng.random() < 0.4 else EM
        canvas, boxes, start, end = self.compose(rng, text, font, em, latin)
        if strength > 0:
            self._surroundings(rng, canvas, font, em)
            weight = rng.random()
            if weight < 0.16 * min(1, strength + 0.4):
                canvas = cv2.dilate(canvas, np.ones([(1, 2), (2, 1), (2, 2)][rng.integers(3)] if em == SMALL else [(2, 2), (2, 3), (3, 3), (1, 3)][rng.integers(4)], np.uint8))
            elif weight < 0.24 and font.weight >= 400 and em == EM:
                canvas = cv2.erode(canvas, np.ones((2, 2), np.uint8))
        return self._warp(rng, text, canvas, boxes, start, end, em, pixels, strength, sign)

    def _warp(self, rng, text, canvas, boxes, start, end, em, pixels, strength, sign):
        base = 1.3 * em
        inked = np.array([c != " " for c in text])
        top, bottom = boxes[inked, 1].min(), boxes[inked, 3].max()
        if rng.random() < 0.5:
            top, bottom = min(top, base - 0.86 * em), max(bottom, base + 0.1 * em)
        elif bottom - top < 0.55 * em:
            middle, half = (top + bottom) / 2 if rng.random() < 0.5 else base - 0.38 * em, rng.uniform(0.3, 0.5) * em
            top, bottom = min(top, middle - half), max(bottom, middle + half)
        height = bottom - top
        low, high = (-0.015, 0.2) if strength > 0.2 else (0.03, 0.14)
        above, below = rng.uniform(low, high, 2) * height
        left, right = boxes[inked, 0].min() - rng.uniform(low, 0.35) * em, boxes[inked, 2].max() + rng.uniform(low, 0.35) * em
        top, bottom = top - above, bottom + below
        stretch = np.exp(rng.normal(0, 0.05 + 0.05 * strength)) if strength > 0 else 1.0
        stretch *= WIDER if strength > 0 and rng.random() < 0.25 else 1.0
        sy = pixels / em
        sx = sy * float(np.clip(stretch, 0.72, 1.42))
        hs, ws = max(8, round((bottom - top) * sy)), max(6, round((right - left) * sx))
        matrix = np.array([[sx, 0, -left * sx], [0, sy, -top * sy], [0, 0, 1]])
        if strength > 0:
            # Turn, slant and bend as what is left after a detector's crop; long lines turn less, or they would leave it.
            turn = np.clip(rng.normal(0, 0.17 * strength), -0.35, 0.35) * hs / max(ws, 2.0 * hs)
            slant = rng.normal(0, 0.05) * strength + (rng.uniform(0.1, 0.28) if rng.random() < 0.06 else 0)
            move = np.array([[1, -slant, 0], [turn, 1, 0], [0, 0, 1]])
            if rng.random() < 0.3:
                move[2, 0], move[2, 1] = rng.normal(0, 0.06 * strength / ws), rng.normal(0, 0.04 * strength / hs)
            centre = np.array([[1, 0, ws / 2], [0, 1, hs / 2], [0, 0, 1]])
            matrix = centre @ move @ np.linalg.inv(centre) @ matrix
        if sy < 0.75:
            canvas = cv2.GaussianBlur(canvas, (0, 0), 0.36 / sy)
        image = cv2.warpPerspective(canvas, matrix, (ws, hs), flags=cv2.INTER_LINEAR)
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        moved = corners @ matrix[:2, :2].T.astype(np.float32) + matrix[:2, 2].astype(np.float32)
        moved /= (corners @ matrix[2, :2].astype(np.float32) + matrix[2, 2])[..., None]
        boxes = np.concatenate([moved.min(1), moved.max(1)], 1)
        if strength > 0 and rng.random() < 0.1 and ws > 3 * hs:
            bend = rng.uniform(0.03, 0.13) * hs
            phase, waves = rng.uniform(0, 6.28), rng.uniform(0.3, 1.0) * 6.28 / ws
            xs, ys = np.meshgrid(np.arange(ws, dtype=np.float32), np.arange(hs, dtype=np.float32))
            image = cv2.remap(image, xs, ys + (bend * np.sin(phase + waves * xs)).astype(np.float32), cv2.INTER_LINEAR)
            boxes[:, [1, 3]] -= (bend * np.sin(phase + waves * (boxes[:, 0] + boxes[:, 2]) / 2))[:, None]
        image = self._sign(rng, image) if sign else self._spoil(rng, image, pixels, strength) if strength > 0 else 255 - image
        width = max(8, round(ws * HEIGHT / hs))
        how = cv2.INTER_AREA if hs > HEIGHT else (cv2.INTER_LINEAR if rng.random() < 0.8 else cv2.INTER_CUBIC)
        image = cv2.resize(image, (width, HEIGHT), interpolation=how)
        return Line(image, text, boxes * np.array([width / ws, HEIGHT / hs] * 2, np.float32))

    def _field(self, rng, shape):
        """Smooth noise, mean 0 and deviation 1."""
        h, w = shape
        zoom = rng.uniform(0.15, 1.5)
        ph, pw = min(500, int(h * zoom) + 2), min(2000, int(w * zoom) + 2)
        y, x = rng.integers(0, 512 - ph + 1), rng.integers(0, 2048 - pw + 1)
        return cv2.resize(self.cloud[y:y + ph, x:x + pw], (w, h))

    def _noise(self, rng, shape):
        n = shape[0] * shape[1]
        start = int(rng.integers(0, max(1, len(self.grain) - n)))
        return np.resize(self.grain[start:start + n], shape)

    def _spoil(self, rng, ink, pixels, strength):
        """Ink coverage [h, w] uint8 -> a photographed or scanned gray picture."""
        s, shape = strength, ink.shape
        chance = lambda p: rng.random() < p * (0.35 + 0.75 * s)
        ink = ink.astype(np.float32) * (1 / 255)
        if chance(0.2):                                 # faded or broken ink
            ink *= np.clip(1 - rng.uniform(0, 0.35 * s) - rng.uniform(0.05, 0.3) * s * np.abs(self._field(rng, shape)), 0.15, 1)
            if rng.random() < 0.3:
                ink *= self._noise(rng, shape) > rng.uniform(-2.2, -1.3)
        paper, dark = rng.uniform(255 - 110 * s, 255), rng.uniform(0, 60 + 70 * s)
        if paper - dark < 60:
            dark = paper - 60
        light = np.full(shape, paper, np.float32)
        if chance(0.35):
            light *= np.linspace(1 - rng.uniform(0, 0.4 * s), 1, shape[1], dtype=np.float32)[::int(rng.choice([-1, 1]))][None]
        if chance(0.3):
            light *= 1 + rng.uniform(0.01, 0.06) * s * self._field(rng, shape)
        if chance(0.18):
            self._strokes(rng, light, rng.uniform(0.1, 0.35))
        grey = light - ink * np.maximum(light - dark * light / paper, 0)
        if chance(0.14):
            self._strokes(rng, grey, rng.uniform(0.2, 0.6))
        if chance(0.08):                                # a fold or the edge of a shadow
            x = int(rng.integers(0, shape[1]))
            if rng.random() < 0.5:
                grey[:, x:] *= rng.uniform(0.55, 0.95)
            else:
                grey[:, x:x + int(rng.integers(1, 4))] *= rng.uniform(0.5, 0.9)
        if chance(0.6):
            sigma = rng.uniform(0.3, 0.3 + 0.55 * s) * (pixels / 26) ** 0.7 * (1.0 if pixels > 15 else 0.7)
            grey = cv2.GaussianBlur(grey, (0, 0), sigma)
        if chance(0.1):
            n = int(rng.integers(2, 3 + round(2 * s * pixels / 26)))
            kernel = np.zeros((n, n), np.float32)
            kernel[(n // 2, slice(None)) if rng.random() < 0.6 else (slice(None), n // 2)] = 1 / n
            grey = cv2.filter2D(grey, -1, kernel)
        if chance(0.6):
            grey = grey + min(rng.uniform(1, 4 + 18 * s), 0.2 * (paper - dark)) * self._noise(rng, shape)
        if chance(0.08):
            dots = np.abs(self._noise(rng, shape)) > rng.uniform(2.2, 3)
            grey[dots] = 0 if rng.random() < 0.5 else 255
        if chance(0.12):
            grey = cv2.addWeighted(grey, 2.0, cv2.GaussianBlur(grey, (0, 0), 1.2), -1.0, 0)
        if chance(0.07):                                # a fax
            level = cv2.GaussianBlur(grey, (0, 0), 0.5)
            grey = np.where(level > dark + (paper - dark) * rng.uniform(0.45, 0.72), 255.0, 0.0).astype(np.float32)
        image = np.clip(grey, 0, 255).astype(np.uint8)
        if rng.random() < 0.15 * s:
            image = cv2.LUT(image, (255 * (np.arange(256) / 255) ** rng.uniform(0.6, 1.7)).astype(np.uint8))
        if chance(0.4):
            image = cv2.imdecode(cv2.imencode(".jpg", image, [1, int(rng.integers(30 if s > 0.5 else 50, 95))])[1], 0)
        return 255 - image if rng.random() < 0.03 else image

    def _sign(self, rng, ink):
        """Ink coverage [h, w] uint8 -> lettering of a sign: outlined, raised, hollow or gilt, dark or light, on a ground with a pattern."""
        h, w = ink.shape
        thick = max(1, round(h * rng.uniform(0.02, 0.045)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thick + 1,) * 2)
        if rng.random() < 0.3:
            ink = cv2.dilate(ink, np.ones((2, 2), np.uint8))
        face = rng.uniform(0, 255)
        ground = float(np.clip(face + rng.choice([-1, 1]) * rng.uniform(60, 200), 0, 255))
        if abs(ground - face) < 60:
            ground = face - 90 if face > 128 else face + 90
        y, x = np.mgrid[:h, :w].astype(np.float32) / h
        kind, depth = rng.integers(5), 0.3 * abs(face - ground) * rng.uniform(0.2, 1)
        grey = np.full((h, w), ground, np.float32)
        if kind == 1:                                   # shaded
            grey += depth * (rng.uniform(-1, 1) * y + rng.uniform(-1, 1) * x * h / w)
        elif kind == 2:                                 # boards or blinds
            grey += depth * np.sign(np.sin(2 * np.pi * rng.uniform(1, 6) * (y if rng.random() < 0.5 else x)))
        elif kind == 3:                                 # quilted
            turns = np.pi * rng.uniform(1, 4)
            grey += depth * np.abs(np.sin(turns * (x + y)) * np.sin(turns * (x - y)))
        elif kind == 4:
            grey += depth * self._field(rng, ink.shape)

        def lay(mask, level):
            grey[:] += mask.astype(np.float32) * (1 / 255) * (level - grey)

        def shifted(dx, dy):
            return cv2.warpAffine(ink, np.float32([[1, 0, dx], [0, 1, dy]]), (w, h))

        style = rng.integers(6)
        dx, dy = rng.uniform(-1, 1, 2) * thick
        if style == 1:                                  # outlined, in a third level
            lay(cv2.dilate(ink, kernel), float(np.clip(2 * ground - face, 0, 255) if rng.random() < 0.3 else rng.uniform(0, 255)))
        elif style == 2:                                # a shadow on the ground
            lay(cv2.GaussianBlur(shifted(2 * dx, 2 * dy), (0, 0), 0.5 + thick / 2), ground * rng.uniform(0.2, 0.7))
        elif style == 3:                                # raised: the sides are seen
            for k in range(4, 0, -1):
                lay(shifted(k * dx, k * dy), (face + ground) / 2 + rng.uniform(-0.2, 0.2) * (face - ground))
        lay(ink, face)
        if style == 4:                                  # hollow, or its rim of another level than its face
            lay(cv2.subtract(ink, cv2.erode(ink, np.ones((2, 2), np.uint8))), float(np.clip(face + (face - ground) * rng.uniform(-0.3, 0.6), 0, 255)))
        elif style == 5:                                # gilt: shaded from top to bottom
            lay(ink, np.clip(face + 0.25 * (face - ground) * np.sin(np.pi * rng.uniform(0.5, 3) * y), 0, 255))
        if rng.random() < 0.5:
            grey = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.3, 0.9) * h / HEIGHT)
        grey += rng.uniform(0, 8) * self._noise(rng, ink.shape)
        image = np.clip(grey, 0, 255).astype(np.uint8)
        if rng.random() < 0.6:
            image = cv2.imdecode(cv2.imencode(".jpg", image, [1, int(rng.integers(50, 95))])[1], 0)
        return image

    def _strokes(self, rng, grey, alpha):
        """Darkens `grey` in place by the strokes of a seal or a watermark."""
        h, w = grey.shape
        mask = np.zeros((h, w), np.uint8)
        if rng.random() < 0.5:
            radius = h * rng.uniform(1.2, 4)
            centre = (int(rng.uniform(0, w)), int(h / 2 + rng.uniform(-1, 1) * radius))
            cv2.ellipse(mask, centre, (int(radius), int(radius)), 0, 0, 360, 255, max(1, int(h * rng.uniform(0.05, 0.2))), cv2.LINE_AA)
        for _ in range(int(rng.integers(1, 4))):
            font = self.fonts[rng.integers(len(self.fonts))]
            pool = self.covered[font.name]
            ink = self.atlases[font.name, EM].glyph(pool[rng.integers(len(pool))])[0]
            scale = h / EM * rng.uniform(0.7, 4)
            turn = rng.uniform(-0.8, 0.8)
            c, n = scale * np.cos(turn), scale * np.sin(turn)
            x, y = rng.uniform(-0.5 * h, w), rng.uniform(-1, 0.8) * h
            mask = np.maximum(mask, cv2.warpAffine(np.ascontiguousarray(ink), np.array([[c, -n, x], [n, c, y]]), (w, h)))
        grey *= 1 - alpha / 255 * mask


def targets(line, stride=4):
    """Frames of a line: (index of the frame, index of the character) pairs for the sure and for the second frame of wide characters.

    Neighbouring characters get different frames, and equal ones a blank between, by the least shifting to either side.
    """
    n = len(line.text)
    boxes = line.boxes
    at = (boxes[:, 0] + boxes[:, 2]) / (2 * stride) - 0.5
    gaps = np.array([2.0 if a == b else 1.0 for a, b in zip(line.text, line.text[1:])])
    forward, backward = at.copy(), at.copy()
    for i in range(1, n):
        forward[i] = max(at[i], forward[i - 1] + gaps[i - 1])
    for i in range(n - 2, -1, -1):
        backward[i] = min(at[i], backward[i + 1] - gaps[i])
    place = (forward + backward) / 2
    first = np.floor(place + 0.5).astype(int)
    second = np.full(n, -1)
    wide = boxes[:, 2] - boxes[:, 0] >= 4 * stride
    for i in np.nonzero(wide)[0]:
        other = first[i] + (1 if at[i] > first[i] else -1)
        if (i == 0 or other > first[i - 1] + gaps[i - 1] - 1) and (i == n - 1 or other < first[i + 1] - gaps[i] + 1):
            second[i] = other
    return first, second


def show(path, folder, count=40, seed=0, split="train"):
    """Writes a sheet of lines to look at."""
    rng = np.random.default_rng(seed)
    renderer, sampler = Renderer(folder, split), corpus.Sampler(rng, split)
    rows = [renderer.line(rng, sampler) for _ in range(count)]
    sheet = np.full((count * (HEIGHT + 4), max(r.image.shape[1] for r in rows)), 128, np.uint8)
    for i, r in enumerate(rows):
        sheet[i * (HEIGHT + 4):i * (HEIGHT + 4) + HEIGHT, :r.image.shape[1]] = r.image
    Image.fromarray(sheet).save(path)
    return rows
