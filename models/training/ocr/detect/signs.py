"""Large lettering for the detector's scenes: shop signs, placards, plaques and old prints, flat or seen from the side."""
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import fonts


def _colour(rng, away=None):
    """A colour; with `away`, one that stands off from it by its brightness."""
    for _ in range(20):
        colour = rng.integers(0, 256, 3).astype(np.float32) if rng.random() < 0.6 else np.full(3, rng.choice([0, 30, 225, 255]), np.float32)
        if away is None or abs(float((colour - away) @ (0.11, 0.59, 0.3))) > 60:
            return colour
    return np.full(3, 255.0 if float(away @ (0.11, 0.59, 0.3)) < 128 else 0.0, np.float32)


def tiles(rng, width, height):
    """Light on a ground of quilted tiles, bricks, or slats, around 1 -> [height, width]."""
    kind, pitch, deep = rng.integers(3), int(rng.integers(8, 70)), rng.uniform(0.05, 0.3)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    if kind == 0:                                                               # pyramids, lit from one side, upright or on their corners
        if rng.random() < 0.5:
            x, y = x + y, x - y
        u, v = (x / pitch) % 1 - 0.5, (y / pitch) % 1 - 0.5
        return 1 + deep * np.where(np.abs(u) > np.abs(v), np.sign(u), np.sign(v) * rng.uniform(0.3, 1))
    row = np.floor(y / pitch).astype(int)
    shade = rng.normal(0, deep / 2, row.max() + 1)[row]
    joint = (y % pitch) < max(1, pitch // 12)
    if kind == 1:
        brick = np.floor(x / (2.5 * pitch) + 0.5 * (row % 2)).astype(int)
        shade = rng.normal(0, deep / 2, (row.max() + 1, brick.max() + 1))[row, brick]
        joint |= ((x + 1.25 * pitch * (row % 2)) % (2.5 * pitch)) < max(1, pitch // 12)
    light = 1 + shade - deep * joint
    return light.T if height == width and rng.random() < 0.5 else light


def _panel(rng, width, height):
    """The sign's own ground: flat, shaded, striped, grainy or tiled, with or without a frame."""
    base = _colour(rng)
    image = np.tile(base, (height, width, 1))
    kind = rng.integers(6)
    if kind == 1:
        image *= np.linspace(rng.uniform(0.6, 1), 1, height)[:, None, None]
    elif kind == 2:
        stripe = (np.arange(width) // max(4, int(rng.integers(6, 60))) % 2)[None, :, None]
        image *= 1 - rng.uniform(0.04, 0.18) * stripe
    elif kind == 3:
        grain = cv2.resize(rng.normal(0, rng.uniform(4, 22), (height // 3 + 1, width // 3 + 1)).astype(np.float32), (width, height))
        image += grain[..., None]
    elif kind >= 4:
        image = (image + 12) * tiles(rng, width, height)[..., None]
    image = np.clip(image, 0, 255)
    if rng.random() < 0.5:
        edge, colour = int(rng.integers(2, 12)), _colour(rng)
        cv2.rectangle(image, (edge, edge), (width - edge, height - edge), tuple(float(v) for v in colour), max(1, edge // 2))
    return image, base


def _ink(font, size, text, vertical, spacing):
    """-> mask uint8 just around the line's em box and its ink, or None."""
    face, step, pad = ImageFont.truetype(font.path, size, index=font.index), size * (1 + spacing), size // 2
    chinese = font in fonts.TRAIN
    if vertical:
        mask = Image.new("L", (size + 2 * pad, int(step * len(text)) + 2 * pad))
        pen = ImageDraw.Draw(mask)
        for i, char in enumerate(text):
            pen.text((pad + size / 2, pad + step * (i + 0.5)), char, fill=255, font=face, anchor="mm")
    else:
        lengths = [face.getlength(c) + spacing * size for c in text]
        mask = Image.new("L", (int(sum(lengths)) + 2 * pad, 2 * size + 2 * pad))
        pen, x = ImageDraw.Draw(mask), pad
        for char, length in zip(text, lengths):
            pen.text((x, pad), char, fill=255, font=face)
            x += length
    mask = np.asarray(mask)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return None
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    if vertical:
        x0, x1 = min(x0, pad), max(x1, pad + size)
    else:
        box = face.getbbox("国" if chinese else "Hg")
        y0, y1 = min(y0, pad + box[1]), max(y1, pad + box[3])
    return mask[y0:y1, x0:x1]


def _write(rng, image, mask, x, y, colour, size):
    """Paints one line with the sign writer's means: plain, outlined, with a shadow, raised, or hollow."""
    h, w = mask.shape
    room = max(2, size // 8)
    x0, y0, x1, y1 = max(0, x - room), max(0, y - room), min(image.shape[1], x + w + room), min(image.shape[0], y + h + room)
    ink = np.zeros((h + 2 * room, w + 2 * room), np.uint8)
    ink[room:-room, room:-room] = mask
    ink = ink[y0 - y + room:y1 - y + room, x0 - x + room:x1 - x + room]
    part = image[y0:y1, x0:x1]

    def lay(alpha, paint):
        alpha = alpha[..., None].astype(np.float32) / 255
        part[:] = part * (1 - alpha) + alpha * paint

    def shifted(dx, dy):
        return cv2.warpAffine(ink, np.float32([[1, 0, dx], [0, 1, dy]]), ink.shape[::-1])

    style, thick = rng.integers(8), max(1, size // int(rng.integers(14, 40)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thick + 1,) * 2)
    if style == 1:
        lay(cv2.dilate(ink, kernel), _colour(rng, colour))
    elif style == 2:
        lay(cv2.GaussianBlur(shifted(thick, thick), (0, 0), 0.5 + thick / 3), colour * rng.uniform(0, 0.4))
    elif style == 3:
        side = colour * rng.uniform(0.3, 0.7)
        for k in range(2 * thick, 0, -1):
            lay(shifted(k, k), side)
    if style == 4:
        lay(cv2.subtract(cv2.dilate(ink, kernel), cv2.erode(ink, kernel)) if size > 60 else ink, colour)
    elif style == 5:
        shade = np.linspace(rng.uniform(0.7, 1.0), rng.uniform(0.9, 1.2), part.shape[0])[:, None, None]
        lay(ink, np.clip(colour * shade, 0, 255))
    elif style == 6:                                                            # a body with depth and a bright rim, before its own shadow
        lay(cv2.GaussianBlur(shifted(3 * thick, 3 * thick), (0, 0), 0.5 + thick), colour * rng.uniform(0, 0.4))
        rim, side = np.clip(255 - rng.uniform(0, 60, 3), 0, 255), colour * rng.uniform(0.3, 0.8)
        body = cv2.dilate(ink, kernel)
        for k in range(2 * thick, 0, -1):
            lay(cv2.warpAffine(body, np.float32([[1, 0, k], [0, 1, k]]), ink.shape[::-1]), side)
        lay(body, rim)
        lay(ink, colour)
    else:
        lay(ink, colour)


def _words(rng, sampler, main, vertical):
    if main:
        text = [sampler.term, sampler.company, sampler.court, lambda: sampler.line(int(rng.integers(1, 7))), sampler.name][rng.integers(5)]()
        return text[:int(rng.integers(2, 9))]
    return [sampler.phone, sampler.address, lambda: sampler.line(int(rng.integers(3, 16))), lambda: sampler.english(int(rng.integers(4, 18))), sampler.company][rng.integers(4 if vertical else 5)]()


def sign(rng, sampler):
    """A sign, flat -> image float [h, w, 3], outlines. Characters of the main line are 40 to 300 pixels high."""
    vertical, size = rng.random() < 0.35, int(np.exp(rng.uniform(np.log(40), np.log(300))))
    count = int(rng.choice([1, 1, 2, 3, 4]))
    chosen = [f for f in fonts.TRAIN if f.weight >= 300]
    main = chosen[rng.integers(len(chosen))]
    pieces, print_ = [], vertical and rng.random() < 0.4                        # an old print: columns of one size, between rules
    spacing = rng.uniform(0, 0.25) if rng.random() < 0.7 else rng.uniform(0.25, 0.9)
    for k in range(count + (2 if print_ else 0)):
        first = k == 0 or print_
        font, scale = main, size
        if not first:
            font = chosen[rng.integers(len(chosen))] if rng.random() < 0.75 else fonts.LATIN[rng.integers(len(fonts.LATIN))]
            scale = max(14, int(size * rng.uniform(0.15, 0.6)))
        text = sampler.line(int(rng.integers(3, 9))) if print_ else _words(rng, sampler, first, vertical)
        text = "".join(c for c in text if c == " " or fonts.covers(font, c)).strip()
        text = text.replace(" ", "") if vertical else text
        text = text[:max(1, int(1600 / (scale * (1 + (spacing if first else 0)))))]
        mask = _ink(font, scale, text, vertical, spacing if first else 0.0) if text else None
        if mask is not None:
            pieces.append((mask, scale))
    if not pieces:
        return None
    margin = int(size * rng.uniform(0.1, 0.6)) + 4
    gap = [0] + [int(rng.uniform(0.2, 0.7) * min(a[1], b[1])) for a, b in zip(pieces, pieces[1:])]
    across, along = (1, 0) if vertical else (0, 1)
    length = max(m.shape[0 if vertical else 1] for m, _ in pieces) + 2 * margin
    depth = sum(m.shape[1 if vertical else 0] for m, _ in pieces) + sum(gap) + 2 * margin
    width, height = (depth, length) if vertical else (length, depth)
    image, base = _panel(rng, width, height)
    colour, outlines, at = _colour(rng, base), [], margin
    if vertical and rng.random() < 0.7:
        pieces = pieces[::-1]
    centred = rng.random() < 0.6
    for (mask, scale), before in zip(pieces, gap):
        h, w = mask.shape
        at += before
        if print_ and before:
            cv2.line(image, (at - before // 2, margin // 2), (at - before // 2, height - margin // 2), tuple(float(v) for v in colour), max(1, size // 40))
        free = (height - h if vertical else width - w) - 2 * margin
        start = margin + (free // 2 if centred else 0)
        x, y = (at, start) if vertical else (start, at)
        _write(rng, image, mask, x, y, colour if rng.random() < 0.7 else _colour(rng, base), scale)
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], float)
        outlines.append(np.roll(corners, -1, 0) if vertical else corners)    # a column's top runs down its right side
        at += w if vertical else h
    return np.clip(image, 0, 255), outlines


def place(rng, image, taken, panel, outlines):
    """Hangs a sign into a picture, seen from the side; -> its outlines there, or None where there is no room."""
    h, w = panel.shape[:2]
    side = np.array(image.shape[1::-1], float)
    scale = min(1.0, float((0.96 * side / (w, h)).min()))
    span = np.array([w, h]) * scale
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    goal = corners * scale + rng.uniform(0, 1, 2) * (side - span)
    if rng.random() < 0.6:
        goal += rng.uniform(-0.12, 0.12, (4, 2)) * span.min()
    if rng.random() < 0.3:
        angle, middle = np.radians(rng.normal(0, 8)), goal.mean(0)
        goal = (goal - middle) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + middle
    goal = np.clip(goal, 0, side - 1).astype(np.float32)
    claim = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(claim, np.round(goal).astype(np.int32), 1)
    if (claim & taken).any() or not cv2.isContourConvex(goal):
        return None
    taken |= claim
    if scale < 0.7:
        panel = cv2.resize(panel, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        outlines, corners = [o * scale for o in outlines], corners * scale
    matrix = cv2.getPerspectiveTransform(corners, goal)
    ground = rng.random() > 0.2                                                # else the letters stand on the wall itself
    alpha = cv2.warpPerspective(np.full(panel.shape[:2], 255, np.uint8), matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR)[..., None] / 255.0
    warped = cv2.warpPerspective(panel.astype(np.float32), matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR)
    if not ground:
        base = np.median(panel.reshape(-1, 3), 0)
        alpha = alpha * np.clip(np.abs(warped - base).max(2, keepdims=True) / 40, 0, 1)
    image[:] = np.clip(image * (1 - alpha) + warped * alpha, 0, 255)
    return [cv2.perspectiveTransform(o[None].astype(np.float32), matrix)[0].astype(float) for o in outlines]
