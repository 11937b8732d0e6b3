"""Draws the pool of pictures that the detector trains on: degraded court pages and made-up scenes, with the lines' outlines.

python3 models/training/ocr/detect/data.py --data DATA --out POOL --count 1600 [--photos PHOTOS] [--first 0] [--scenes 0.45] [--seed 1]

Item i is always the same picture: POOL/I.jpg, and POOL/I.json with each line's outline (n points along its top, n back along its bottom).
Pages are kept at 105 dpi. Scenes: text of any size, colour, slant and bend, and signs (signs.py), on flat colours, gradients, textures,
drawn clutter and photographs (PHOTOS, as photos.py picks them), with what must not be taken for text: seals, rules, bars, chequers,
roofs, windows, walls, foliage, faces.
"""
import argparse
import json
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import corpus
import degrade
import fonts
import layouts
import signs

PAGE_DPI = 105
# Drawn more often than layouts.py does: what is dense, ruled or in columns.
KINDS = {"table": 3, "form": 2, "invoice": 2, "evidence": 2, "vertical": 1.5, "columns": 1.5, "statute": 1.5, "english": 1.5, "contract": 1, "complaint": 1,
         "judgment": 1, "notes": 0.8, "id-card": 1, "chat": 0.8}


def page(rng):
    """One degraded page -> image, outlines."""
    shares = np.array(list(KINDS.values()))
    drawn = layouts.render(rng, "train", fonts.TRAIN, str(rng.choice(list(KINDS), p=shares / shares.sum())), dpi=150)
    strength = float(rng.choice([0.0, 0.3, 0.5, 0.7, 0.9], p=[0.15, 0.2, 0.35, 0.2, 0.1]))
    drawn = degrade.degrade(rng, drawn, strength)
    scale = PAGE_DPI / drawn.dpi
    image = cv2.resize(drawn.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    true = np.array([image.shape[1] / drawn.image.shape[1], image.shape[0] / drawn.image.shape[0]])
    # A column's polygon starts at its top: its long side is the one on the right.
    return image, [np.asarray(line.polygon) * true for line in drawn.lines]


def _colour(rng):
    return rng.integers(0, 256, 3).astype(np.float32) if rng.random() < 0.6 else np.full(3, rng.choice([0, 20, 128, 235, 255]), np.float32)


def _clutter(rng, image):
    """Things that are no text."""
    h, w = image.shape[:2]
    kind = rng.integers(11)
    colour = tuple(float(v) for v in _colour(rng))
    x, y, s = int(rng.integers(w)), int(rng.integers(h)), int(10 ** rng.uniform(1, 2.3))
    if kind == 0:
        for _ in range(int(rng.integers(20, 200))):
            at = rng.normal((x, y), s, 2)
            cv2.fillConvexPoly(image, (at + rng.normal(0, s / 6 + 2, (3, 2))).astype(np.int32), tuple(float(v) for v in _colour(rng) * 0.3 + np.array(colour) * 0.7), cv2.LINE_AA)
    elif kind == 1:
        for _ in range(int(rng.integers(1, 12))):
            cv2.ellipse(image, (int(rng.normal(x, s)), int(rng.normal(y, s))), (int(rng.integers(3, s + 4)), int(rng.integers(3, s + 4))),
                        float(rng.uniform(0, 180)), 0, 360, tuple(float(v) for v in _colour(rng)), -1 if rng.random() < 0.6 else int(rng.integers(1, 6)), cv2.LINE_AA)
    elif kind == 2:
        step, across = int(rng.integers(3, 40)), rng.random() < 0.5
        for k in range(int(rng.integers(2, 20))):
            a = (x + k * step, y) if across else (x, y + k * step)
            b = (a[0] + int(rng.normal(0, 2)), y + s) if across else (x + s, a[1] + int(rng.normal(0, 2)))
            cv2.line(image, a, b, colour, int(rng.integers(1, max(2, step // 2))), cv2.LINE_AA)
    elif kind == 3:
        cell = int(rng.integers(2, 12))
        bits = (rng.random((int(rng.integers(4, 26)),) * 2) < 0.5).astype(np.uint8) * 255
        bits = cv2.resize(bits, None, fx=cell, fy=cell, interpolation=cv2.INTER_NEAREST)
        part = image[y:y + bits.shape[0], x:x + bits.shape[1]]
        part[:] = bits[:part.shape[0], :part.shape[1], None]
    elif kind == 4:
        for _ in range(int(rng.integers(3, 40))):
            a = rng.normal((x, y), s, 2)
            cv2.line(image, tuple(a.astype(int).tolist()), tuple((a + rng.normal(0, s, 2)).astype(int).tolist()), colour, int(rng.integers(1, 5)), cv2.LINE_AA)
    elif kind == 5:
        pitch, columns, rows = int(rng.integers(12, 60)), int(rng.integers(2, 9)), int(rng.integers(2, 12))
        for k in range(columns + 1):
            cv2.line(image, (x + 2 * pitch * k, y), (x + 2 * pitch * k, y + pitch * rows), colour, 1)
        for k in range(rows + 1):
            cv2.line(image, (x, y + pitch * k), (x + 2 * pitch * columns, y + pitch * k), colour, 1)
    elif kind == 6:
        points = np.cumsum(rng.normal(0, s / 5 + 1, (int(rng.integers(5, 60)), 2)), 0) + (x, y)
        cv2.polylines(image, [points.astype(np.int32)], rng.random() < 0.3, colour, int(rng.integers(1, 5)), cv2.LINE_AA)
    elif kind == 7:                                                                # roof tiles
        radius = int(rng.integers(4, 24))
        for row in range(int(rng.integers(1, 8))):
            for k in range(int(rng.integers(6, 30))):
                middle = (x + 2 * radius * k + radius * (row % 2), y + int(1.3 * radius) * row)
                cv2.ellipse(image, middle, (radius, radius), 0, 0, 180, tuple(float(v * rng.uniform(0.4, 1)) for v in colour), -1, cv2.LINE_AA)
                cv2.ellipse(image, middle, (radius, radius), 0, 0, 180, (20, 20, 20), 1 + radius // 8, cv2.LINE_AA)
    elif kind == 8:                                                                # windows: frames in frames, panes that mirror something
        across, down, pane = int(rng.integers(1, 5)), int(rng.integers(1, 4)), max(12, s // 2)
        for k in range(across * down):
            a = (x + k % across * pane, y + k // across * pane)
            cv2.rectangle(image, a, (a[0] + pane, a[1] + pane), tuple(float(v) for v in _colour(rng) * 0.4), -1)
            for inner in range(int(rng.integers(1, 4))):
                d = inner * max(2, pane // 12)
                cv2.rectangle(image, (a[0] + d, a[1] + d), (a[0] + pane - d, a[1] + pane - d), colour, int(rng.integers(1, max(2, pane // 14) + 1)))
            cv2.line(image, (a[0] + pane // 3, a[1] + pane), (a[0] + pane, a[1] + pane // 3), (200, 205, 210), int(rng.integers(1, 6)), cv2.LINE_AA)
    elif kind == 9:                                                                # a wall of bricks, quilted or slatted
        part = image[y:y + 2 * s, x:x + 3 * s]
        if part.size:
            part[:] = np.clip(np.array(colour) * signs.tiles(rng, part.shape[1], part.shape[0])[..., None], 0, 255)
    else:
        size = max(30, min(s, 200))
        mask = (degrade._square_seal if rng.random() < 0.25 else degrade._round_seal)(rng, size)
        part = image[y:y + mask.shape[0], x:x + mask.shape[1]]
        alpha = mask[:part.shape[0], :part.shape[1], None] / 255 * rng.uniform(0.6, 1)
        part[:] = part * (1 - alpha) + alpha * np.array([rng.uniform(20, 90), rng.uniform(20, 80), rng.uniform(180, 240)])


def _photograph(rng, photos, side):
    """Part of one photograph, or several in a square, enlarged or made as small as what stands about in a street."""
    def one(side):
        image = cv2.imread(str(photos[rng.integers(len(photos))]))
        least = int(min(image.shape[:2]) * rng.uniform(0.5, 1))
        y, x = rng.integers(0, image.shape[0] - least + 1), rng.integers(0, image.shape[1] - least + 1)
        part = cv2.resize(image[y:y + least, x:x + least], (side, side), interpolation=cv2.INTER_CUBIC if side > least else cv2.INTER_AREA)
        part = part[:, ::-1] if rng.random() < 0.5 else part
        return cv2.filter2D(part, -1, np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32)) if rng.random() < 0.4 else part
    if rng.random() < 0.45:
        count = int(rng.choice([2, 2, 3, 5]))
        each = -(-side // count)
        return np.concatenate([np.concatenate([one(each) for _ in range(count)], 1) for _ in range(count)])[:side, :side]
    return one(side)


def background(rng, side, photos=(), share=0.4):
    if photos and rng.random() < share:
        return np.ascontiguousarray(_photograph(rng, photos, side))
    kind = rng.integers(5)
    if kind == 0:
        image = np.tile(_colour(rng), (side, side, 1))
    elif kind == 1:
        image = degrade._desk(rng, (side, side)).astype(np.float32)
    else:
        a, b = _colour(rng), _colour(rng)
        field = degrade._field(rng, (side, side), int(rng.choice([1, 2, 4, 12])), 0, 1)[..., None]
        image = a * field + b * (1 - field)
    image = np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))
    if kind >= 3:
        for _ in range(int(rng.integers(2, 14) if rng.random() < 0.6 else rng.integers(14, 60))):
            _clutter(rng, image)
        if rng.random() < 0.5:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3))
    for _ in range(int(rng.choice([0, 0, 1, 3]))):                                 # panels: signs, bubbles, buttons, frames
        x, y = rng.integers(0, side, 2)
        to = (int(x + rng.integers(40, side)), int(y + rng.integers(20, side // 2)))
        cv2.rectangle(image, (int(x), int(y)), to, tuple(float(v) for v in _colour(rng)), -1 if rng.random() < 0.8 else int(rng.integers(1, 5)))
    return image


def _mask(rng, text, font, size, vertical, spacing):
    """Ink of one line -> mask uint8 [h, w], top and bottom of the line (left and right of a column) in it."""
    face = ImageFont.truetype(font.path, size, index=font.index)
    pad = size // 3 + 2
    full = face.getbbox("国" if font in fonts.TRAIN else "Hg")
    if vertical:
        step = size * (1 + spacing)
        mask = Image.new("L", (size + 2 * pad, int(step * len(text)) + 2 * pad))
        pen = ImageDraw.Draw(mask)
        for i, char in enumerate(text):
            pen.text((pad + size / 2, pad + step * (i + 0.5)), char, fill=255, font=face, anchor="mm")
        low, high = pad, pad + size
    else:
        advance = [face.getlength(c) + spacing * size for c in text]
        mask = Image.new("L", (int(sum(advance)) + 2 * pad, int(size * 1.5) + 2 * pad))
        pen, x = ImageDraw.Draw(mask), pad
        if spacing:
            for char, a in zip(text, advance):
                pen.text((x, pad), char, fill=255, font=face)
                x += a
        else:
            pen.text((x, pad), text, fill=255, font=face)
        low, high = pad + full[1], pad + full[3]
    mask = np.asarray(mask)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    if vertical:
        return mask, (min(low, columns[0]), rows[0], max(high, columns[-1] + 1), rows[-1] + 1)
    return mask, (columns[0], min(low, rows[0]), columns[-1] + 1, max(high, rows[-1] + 1))


def _text(rng, sampler, chinese):
    kind = rng.integers(8)
    if not chinese:
        text = sampler.english(int(rng.integers(2, 40))) if kind < 6 else sampler.email() if kind == 6 else sampler.digits(int(rng.integers(1, 12)))
    elif kind < 4:
        text = sampler.line(int(rng.integers(1, 26)))
    else:
        text = (sampler.term, sampler.number, sampler.name, sampler.cell)[kind - 4]()
    return text.strip()


def _place(rng, image, taken, mask, box, style, at, angle, bend):
    """Draws one line through a bend and a turn; -> its outline, or None where there is no room."""
    x0, y0, x1, y1 = (float(v) for v in box)
    vertical = style["vertical"]
    n = 7 if bend else 2
    share = np.linspace(0, 1, n)
    if vertical:
        top, bottom = np.stack([np.full(n, x1), y0 + share * (y1 - y0)], 1), np.stack([np.full(n, x0), y0 + share * (y1 - y0)], 1)
    else:
        top, bottom = np.stack([x0 + share * (x1 - x0), np.full(n, y0)], 1), np.stack([x0 + share * (x1 - x0), np.full(n, y1)], 1)
    h, w = mask.shape
    if bend:
        extra = int(abs(bend)) + 1
        curve = bend * (1 - (2 * (np.arange(w) - x0) / max(1, x1 - x0) - 1) ** 2)
        if bend < 0:
            curve = curve + extra
        rows = np.arange(h + extra, dtype=np.float32)[:, None] - curve[None].astype(np.float32)
        mask = cv2.remap(mask, np.tile(np.arange(w, dtype=np.float32), (h + extra, 1)), rows, cv2.INTER_LINEAR, borderValue=0)
        for line in (top, bottom):
            line[:, 1] += np.interp(line[:, 0], np.arange(w), curve)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    matrix = np.array([[c, -s, 0], [s, c, 0]])
    matrix[:, 2] = np.array(at) - matrix[:, :2] @ np.array([mask.shape[1] / 2, mask.shape[0] / 2])
    outline = np.concatenate([top, bottom[::-1]]) @ matrix[:, :2].T + matrix[:, 2]
    size = image.shape[1::-1]
    if (outline < 2).any() or (outline > np.array(size) - 2).any():
        return None
    claim = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(claim, [np.round(outline).astype(np.int32)], 1)
    cv2.polylines(claim, [np.round(outline).astype(np.int32)], True, 1, 3)
    if (claim & taken).any():
        return None
    taken |= claim
    matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    ink = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_AREA)
    ys, xs = np.nonzero(claim)
    window = (slice(max(0, ys.min() - 12), ys.max() + 12), slice(max(0, xs.min() - 12), xs.max() + 12))
    part, alpha, under = image[window], ink[window][..., None] / 255.0, claim[window] > 0
    colour = style["colour"]
    local = part[under].astype(np.float32).mean(0)
    if abs(float((colour - local) @ (0.11, 0.59, 0.3))) < 55:                      # would hardly be seen
        colour = local + (1 if local.mean() < 128 else -1) * rng.uniform(80, 160)
    if style["edge"] or float(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)[under].std()) > 45:
        wide = cv2.dilate(ink[window], np.ones((3, 3)), iterations=style["edge"] or 1)[..., None] / 255.0
        opposite = np.full(3, 255.0 if float(np.mean(colour)) < 128 else 0.0)
        part[:] = part * (1 - wide) + wide * opposite
    part[:] = np.clip(part * (1 - alpha) + alpha * np.clip(colour, 0, 255), 0, 255)
    return outline


def scene(rng, sampler, photos=(), share=0.4, side=640):
    """-> image, outlines."""
    signed = rng.random() < 0.45
    side = 800 if signed else side
    image = background(rng, side, photos, share)
    taken, outlines = np.zeros((side, side), np.uint8), []
    for _ in range(int(rng.choice([1, 2, 3])) if signed else 0):
        made = signs.sign(rng, sampler)
        outlines += made and signs.place(rng, image, taken, *made) or []
    tilt = rng.normal(0, 5) if rng.random() < 0.4 else 0.0
    low, high, most = (10, 130, 14) if rng.random() < 0.6 else (45, 190, 9)        # the second: signs, titles, old prints
    for _ in range(int(rng.integers(0, 4)) if signed else int(rng.integers(0, most)) if rng.random() < 0.93 else 0):
        chinese = rng.random() < 0.75
        font = fonts.TRAIN[rng.integers(len(fonts.TRAIN))] if chinese else fonts.LATIN[rng.integers(len(fonts.LATIN))]
        size = int(np.exp(rng.uniform(np.log(low), np.log(high))))
        vertical = chinese and rng.random() < (0.15 if low < 45 else 0.3)
        spacing = 0.0 if rng.random() < 0.7 else rng.uniform(0, 0.6)
        style = {"vertical": vertical, "colour": _colour(rng), "edge": int(rng.choice([0, 0, 0, 0, 1, 2]))}
        angle = tilt + (rng.uniform(-15, 15) if rng.random() < 0.25 else rng.uniform(-90, 90) if rng.random() < 0.04 else 0)
        block = int(rng.integers(2, 9)) if size < 40 + 2 * (low - 10) and rng.random() < 0.4 else 1
        pitch = rng.uniform(1.1, 2.0) if not vertical else rng.uniform(1.2, 2.2)
        middle = rng.uniform(0.05, 0.95, 2) * side
        normal = np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))]) if not vertical else np.array([-np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
        for row in range(block):
            text = "".join(c for c in _text(rng, sampler, chinese) if c == " " or fonts.covers(font, c))
            text = text[:max(1, int(0.9 * side / (size * (1 + spacing))))].strip()
            made = _mask(rng, text.replace(" ", "") if vertical else text, font, size, vertical, spacing) if text else None
            if made is None:
                continue
            mask, box = made
            bend = (box[2] - box[0]) * rng.uniform(-0.12, 0.12) if not vertical and block == 1 and rng.random() < 0.15 else 0
            outline = _place(rng, image, taken, mask, box, style, middle + normal * row * pitch * size, angle, bend)
            if outline is not None:
                outlines.append(outline)
    made = layouts.Page(image, [], [], "scene", 100)
    parts = [name for name, p in (("shadow", 0.2), ("blur", 0.3), ("low_resolution", 0.15), ("noise", 0.4), ("jpeg", 0.6)) if rng.random() < p]
    return degrade.degrade(rng, made, rng.uniform(0.1, 0.8), parts).image, outlines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--photos", type=pathlib.Path, help="folder of photographs without text")
    parser.add_argument("--photo-share", type=float, default=0.4, help="share of scenes on photographs")
    parser.add_argument("--first", type=int, default=0, help="number of the first picture: several processes can share the work")
    parser.add_argument("--scenes", type=float, default=0.45, help="share of scenes")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    corpus.use(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    photos = sorted(p for p in args.photos.iterdir()) if args.photos else []
    for i in range(args.first, args.first + args.count):
        truth = args.out / f"{i:05d}.json"
        if truth.exists():
            continue
        rng = np.random.default_rng([args.seed, i])
        image, outlines = scene(rng, corpus.Sampler(rng, "train"), photos, args.photo_share) if rng.random() < args.scenes else page(rng)
        cv2.imwrite(str(args.out / f"{i:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 93])
        truth.write_text(json.dumps([np.round(o, 2).tolist() for o in outlines]))


if __name__ == "__main__":
    main()
