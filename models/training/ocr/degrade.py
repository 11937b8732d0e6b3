"""Spoils clean pages the way scanners, phones, fax machines and handling do, and carries the truth's geometry along exactly.

    page = degrade(rng, page, strength=0.5)             # parts drawn at random; 0.5: a decent scanner or a careful phone picture
    page = degrade(rng, page, 0.5, parts=["seal", "jpeg"])
    page = rotate(page, 90)                             # content turned clockwise by a quarter

Each part takes (rng, page, strength) and returns the page; parts that move things go through one homography (`Page.mapped`), so
polygons and character boxes stay where the ink is. Lengths are in pixels at 150 dpi and scale with `page.dpi`.
"""
import dataclasses
import functools

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import fonts

SEALS = ("市人民法院", "市中级人民法院", "科技有限公司", "律师事务所", "市公证处", "贸易有限公司", "人民政府", "市公安局", "文化传媒有限公司", "建筑工程有限公司")
SEAL_LABELS = ("合同专用章", "财务专用章", "发票专用章", "业务专用章", "人事专用章", "行政专用章", "档案专用章")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许"
NAMES = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红梅建国文志海春秀云龙飞"
MARKS = ("内部资料", "仅供参考", "复印无效", "样本", "机密", "仅用于诉讼", "电子档案", "人民法院", "DRAFT", "COPY", "CONFIDENTIAL", "副本")


@functools.lru_cache(maxsize=64)
def _font(path, index, size):
    return ImageFont.truetype(path, size, index=index)


def _pick(rng, options):
    return options[rng.integers(len(options))]


def _inks(rng, styles, size):
    some = [f for f in fonts.TRAIN if f.style in styles and f.weight >= 300 and not f.name.startswith("cwtex")] or fonts.TRAIN
    font = _pick(rng, some)
    return _font(font.path, font.index, max(6, int(size)))


def _unit(page):
    """Pixels of this page for one pixel at 150 dpi."""
    return page.dpi / 150


def _with(page, image):
    return dataclasses.replace(page, image=image, applied=list(page.applied))


def _shade(image, light):
    """`image` times `light`, which is float [h, w] or [h, w, 3] of any smaller size, 0..1 and a little above."""
    h, w = image.shape[:2]
    top = max(1.0, float(light.max()))
    small = np.clip(light * (255 / top), 0, 255).astype(np.uint8)
    full = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
    if full.ndim == 2:
        full = cv2.merge([full, full, full])
    return cv2.multiply(image, full, scale=top / 255)


def _field(rng, shape, cells, low, high):
    """A smooth random field [h, w] between `low` and `high`, with about `cells` hills a side."""
    coarse = rng.uniform(0, 1, (cells + 1, cells + 1)).astype(np.float32)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    field = (field - field.min()) / max(1e-6, float(np.ptp(field)))
    return low + (high - low) * field


def _tile(rng, shape, sigma, soft, colour):
    """Gaussian noise int16 [h, w, 3] of standard deviation `sigma`, in grains of `soft` pixels, repeated from a smaller piece."""
    side = 384
    grain = rng.standard_normal((side, side, 3 if colour else 1), dtype=np.float32)
    if soft > 0:
        grain = cv2.GaussianBlur(grain, (0, 0), soft, borderType=cv2.BORDER_REFLECT).reshape(side, side, -1)
        grain /= max(1e-6, float(grain.std()))
    grain = np.clip(grain * sigma, -127, 127)
    signs = [cv2.convertScaleAbs(np.maximum(s * grain, 0)) for s in (1, -1)]
    up, down = (g if colour else cv2.merge([g, g, g]) for g in signs)
    reps = (-(-shape[0] // side), -(-shape[1] // side), 1)
    return tuple(np.tile(g, reps)[:shape[0], :shape[1]] for g in (up, down))


def _speckle(rng, image, sigma, soft, colour):
    up, down = _tile(rng, image.shape, sigma, soft, colour)
    return cv2.subtract(cv2.add(image, up), down)


def _multiply(image, ink, x, y):
    """Prints `ink` (uint8 BGR, white is nothing) over the image with its corner at (x, y), cut at the borders."""
    h, w = image.shape[:2]
    x0, y0, x1, y1 = max(0, x), max(0, y), min(w, x + ink.shape[1]), min(h, y + ink.shape[0])
    if x0 < x1 and y0 < y1:
        image[y0:y1, x0:x1] = cv2.multiply(image[y0:y1, x0:x1], ink[y0 - y:y1 - y, x0 - x:x1 - x], scale=1 / 255)


def paper(rng, page, strength):
    """Coloured, aged or recycled paper with fibres."""
    tint = 255 - np.array([rng.uniform(0.2, 1), rng.uniform(0.1, 0.6), rng.uniform(0, 0.35)]) * (10 + 70 * strength) * rng.uniform(0.2, 1)
    light = _field(rng, (64, 64), 5, 1 - 0.08 * strength, 1)[..., None] * (tint / 255).astype(np.float32)
    image = _shade(page.image, light)
    return _with(page, _speckle(rng, image, 1 + 4 * strength * rng.random(), rng.uniform(0.8, 2.5), False))


def bleed(rng, page, strength):
    """The other side's print shows through."""
    back = cv2.resize(page.image[:, ::-1], None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    back = cv2.GaussianBlur(np.roll(back, int(rng.integers(back.shape[0])), 0), (0, 0), rng.uniform(0.4, 1.2))
    faint = rng.uniform(0.06, 0.1 + 0.3 * strength)
    back = cv2.convertScaleAbs(back, alpha=faint, beta=255 * (1 - faint))
    full = cv2.resize(back, page.image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return _with(page, cv2.multiply(page.image, full, scale=1 / 255))


def watermark(rng, page, strength):
    """A pale mark across the page, once or repeated."""
    h, w = page.image.shape[:2]
    text, angle = _pick(rng, MARKS), float(rng.choice([0, 20, 30, 45, -30, -45]))
    once = rng.random() < 0.4
    size = int(w / len(text) * rng.uniform(0.5, 0.9) if once else rng.uniform(22, 50) * _unit(page))
    font = _inks(rng, ("hei", "song"), min(size, w // 3) // 2)
    left, top, right, bottom = font.getbbox(text)
    stamp = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(stamp).text((4 - left, 4 - top), text, fill=255, font=font)
    stamp = np.asarray(stamp.rotate(angle, expand=True, resample=Image.BILINEAR))
    mask = np.zeros((h // 2 + 1, w // 2 + 1), np.uint8)
    step = (mask.shape[0] + 1, mask.shape[1] + 1) if once else (int(stamp.shape[0] * rng.uniform(1.2, 2.5)), int(stamp.shape[1] * rng.uniform(1.1, 1.8)))
    y0, x0 = ((mask.shape[0] - stamp.shape[0]) // 2, (mask.shape[1] - stamp.shape[1]) // 2) if once else (-int(rng.integers(stamp.shape[0])), -int(rng.integers(stamp.shape[1])))
    for y in range(y0, mask.shape[0], step[0]):
        for x in range(x0, mask.shape[1], step[1]):
            a, b, c, d = max(0, y), max(0, x), min(mask.shape[0], y + stamp.shape[0]), min(mask.shape[1], x + stamp.shape[1])
            if a < c and b < d:
                mask[a:c, b:d] = np.maximum(mask[a:c, b:d], stamp[a - y:c - y, b - x:d - x])
    colour = np.array(_pick(rng, [(128, 128, 128), (128, 128, 128), (80, 80, 220), (220, 140, 80)]))
    faint = rng.uniform(0.08, 0.14 + 0.22 * strength)
    tables = [np.clip(255 - np.arange(256) * faint * (255 - c) / 255, 0, 255).astype(np.uint8) for c in colour]
    ink = cv2.merge([cv2.LUT(mask, t) for t in tables])
    return _with(page, cv2.multiply(page.image, cv2.resize(ink, (w, h)), scale=1 / 255))


def _round_seal(rng, size):
    side = int(size)
    draw_at = 2 * side
    mask = Image.new("L", (draw_at, draw_at))
    pen = ImageDraw.Draw(mask)
    edge = int(draw_at * rng.uniform(0.018, 0.03))
    oval = rng.random() < 0.2
    squeeze = 0.72 if oval else 1.0
    pen.ellipse((2, 2, draw_at - 3, draw_at - 3), outline=255, width=edge)
    if rng.random() < 0.2:
        pen.ellipse((2 * edge + 4, 2 * edge + 4, draw_at - 2 * edge - 5, draw_at - 2 * edge - 5), outline=255, width=max(1, edge // 3))
    middle = draw_at / 2
    if not oval:
        angles = np.arange(10) * np.pi / 5 - np.pi / 2
        radius = np.where(np.arange(10) % 2 == 0, 1.0, 0.382) * draw_at * 0.15
        pen.polygon([(middle + r * np.cos(a), middle + r * np.sin(a)) for a, r in zip(angles, radius)], fill=255)
    text = _pick(rng, SURNAMES) + _pick(rng, NAMES) + _pick(rng, SEALS)
    font = _inks(rng, ("song", "fangsong"), draw_at * min(0.15, 1.6 / len(text)))
    spread = np.radians(rng.uniform(230, 270))
    ring = middle - edge - draw_at * 0.115
    for i, char in enumerate(text):
        angle = -np.pi / 2 + spread * (i / (len(text) - 1) - 0.5)
        glyph = Image.new("L", (int(font.size * 1.4),) * 2)
        ImageDraw.Draw(glyph).text((glyph.width / 2, glyph.height / 2), char, fill=255, font=font, anchor="mm")
        glyph = glyph.rotate(-np.degrees(angle) - 90, resample=Image.BILINEAR)
        at = (int(middle + ring * np.cos(angle) - glyph.width / 2), int(middle + ring * np.sin(angle) - glyph.height / 2))
        mask.paste(255, at, glyph)
    if rng.random() < 0.5:
        small = _inks(rng, ("song", "hei"), draw_at * 0.085)
        pen.text((middle, draw_at * 0.74), _pick(rng, SEAL_LABELS), fill=255, font=small, anchor="mm")
    return cv2.resize(np.asarray(mask), (side, int(side * squeeze)), interpolation=cv2.INTER_AREA)


def _square_seal(rng, size):
    side = int(size)
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    pen.rectangle((0, 0, side - 1, side - 1), outline=255, width=max(2, side // 22))
    text = _pick(rng, SURNAMES) + _pick(rng, NAMES) + _pick(rng, ["印", _pick(rng, NAMES) + "印"])
    font = _inks(rng, ("kai", "song", "fangsong"), side * 0.4)
    for i, char in enumerate(text):                    # right column first
        pen.text((side * (0.73 - 0.46 * (i // 2)), side * (0.28 + 0.45 * (i % 2))), char, fill=255, font=font, anchor="mm")
    return np.asarray(mask)


def seal(rng, page, strength):
    """One to three red seals, unevenly inked, mostly over text; adds their outlines to the regions."""
    image = page.image.copy()
    h, w = image.shape[:2]
    regions = list(page.regions)
    for _ in range(1 if rng.random() < 0.75 else int(rng.integers(2, 4))):
        square = rng.random() < 0.2
        millimetres = rng.uniform(14, 24) if square else rng.uniform(34, 46)
        size = min(millimetres / 25.4 * page.dpi, 0.4 * min(h, w))
        mask = (_square_seal if square else _round_seal)(rng, max(24, size))
        turn = rng.normal(0, 8) if rng.random() < 0.9 else rng.uniform(-60, 60)
        turned = np.asarray(Image.fromarray(mask).rotate(turn, expand=True, resample=Image.BILINEAR))
        blots = _field(rng, turned.shape, 12, 0, 1) * 0.6 + cv2.GaussianBlur(rng.random(turned.shape, dtype=np.float32), (0, 0), 1.2) * 1.2 - 0.4
        cover = np.clip(1.5 - blots * (0.3 + 1.2 * strength), 0.2, 1)
        red = np.array([rng.uniform(20, 110), rng.uniform(20, 90), rng.uniform(190, 240)], np.float32)
        alpha = (turned / 255.0 * cover * rng.uniform(0.7, 1)).astype(np.float32)[..., None]
        ink = cv2.GaussianBlur((255 - alpha * (255 - red)).astype(np.uint8), (0, 0), 0.3 + 0.5 * strength)
        near = [line for line in page.lines if line.role in ("signature", "date")] if rng.random() < 0.5 else []
        near = near or (page.lines if rng.random() < 0.7 else [])
        if near:
            middle = np.asarray(_pick(rng, near).polygon).mean(0) + rng.normal(0, 0.25, 2) * size
        else:
            middle = np.array([rng.uniform(0.1, 0.9) * w, rng.uniform(0.1, 0.95) * h])
        x, y = int(middle[0] - ink.shape[1] / 2), int(middle[1] - ink.shape[0] / 2)
        _multiply(image, ink, x, y)
        half = np.array([mask.shape[1], mask.shape[0]]) / 2
        centre = np.array([x + ink.shape[1] / 2, y + ink.shape[0] / 2])
        c, s = np.cos(np.radians(-turn)), np.sin(np.radians(-turn))
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        outline = corners @ np.array([[c, s], [-s, c]]) + centre
        if not square:
            angle = np.arange(24) * np.pi / 12
            outline = (np.stack([np.cos(angle), np.sin(angle)], 1) * half) @ np.array([[c, s], [-s, c]]) + centre
        regions.append(("seal", np.clip(outline, 0, (w, h)).astype(np.float32)))
    page = _with(page, image)
    page.regions = regions
    return page


def fold(rng, page, strength):
    """Creases: a thin line, lighter or darker than the paper, with another slope of light on each side."""
    h, w = page.image.shape[:2]
    rows, columns = np.ones(h, np.float32), np.ones(w, np.float32)
    thin = []
    for _ in range(int(rng.integers(1, 3))):
        across = rng.random() < 0.5
        profile, length = (rows, h) if across else (columns, w)
        at = int(length * _pick(rng, [0.5, 0.33, 0.67, rng.uniform(0.1, 0.9)]) + rng.normal(0, 4))
        offset = np.arange(length, dtype=np.float32) - at
        reach = length * rng.uniform(0.03, 0.15)
        depth = rng.uniform(0.03, 0.05 + 0.3 * strength)
        profile *= 1 - depth * np.exp(-np.abs(offset) / reach) * (offset * _pick(rng, [1, -1]) > 0)
        thin.append((across, at, rng.uniform(0.6, 0.95) if rng.random() < 0.7 else 1.12))
    image = _shade(page.image, cv2.resize(rows[:, None], (1, h // 4 + 1)) * cv2.resize(columns[None], (w // 4 + 1, 1)))
    for across, at, light in thin:
        width = int(rng.integers(1, 4))
        strip = image[max(0, at):at + width] if across else image[:, max(0, at):at + width]
        if strip.size:
            strip[:] = cv2.convertScaleAbs(np.ascontiguousarray(strip), alpha=light).reshape(strip.shape)
    return _with(page, image)


def _warped(rng, page, matrix, size, border):
    """The page through a homography of pixel-edge coordinates; `border`: a colour, or an image of the new size."""
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    centred = half @ matrix @ np.linalg.inv(half)
    if isinstance(border, np.ndarray) and border.ndim == 3:
        image = cv2.warpPerspective(page.image, centred, size, border.copy(), cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    else:
        image = cv2.warpPerspective(page.image, centred, size, flags=cv2.INTER_LINEAR, borderValue=tuple(float(v) for v in border))

    def move(points):
        to = np.concatenate([points, np.ones((len(points), 1))], 1) @ matrix.T
        return to[:, :2] / to[:, 2:]
    return page.mapped(image, move)


def _turn(degrees, size):
    """Rotation (clockwise on the screen) about the middle of a page of (w, h)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = size[0] / 2, size[1] / 2
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y], [0, 0, 1]])


def _contain(matrix, page, margin):
    """`matrix` with a shift, and the canvas, so that the whole page and `margin` pixels around it stay visible."""
    h, w = page.image.shape[:2]
    corners = np.array([[0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]]) @ matrix.T
    corners = corners[:, :2] / corners[:, 2:]
    low, high = corners.min(0) - margin, corners.max(0) + margin
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    return shift @ matrix, tuple(int(np.ceil(v)) for v in high - low)


def skew(rng, page, strength):
    """Laid askew on the glass, up to 15 degrees at strength 1 and 2.7 at 0.5; white or grey around."""
    h, w = page.image.shape[:2]
    angle = rng.uniform(-1, 1) * 15 * strength ** 2.5
    matrix, size = _turn(angle, (w, h)), (w, h)
    every = np.concatenate([np.asarray(line.polygon) for line in page.lines] or [np.zeros((1, 2))])
    to = np.concatenate([every, np.ones((len(every), 1))], 1) @ matrix.T
    if (to[:, :2] < 1).any() or (to[:, :2] > np.array([w, h]) - 1).any():
        matrix, size = _contain(matrix, page, 0)
    return _warped(rng, page, matrix, size, np.full(3, _pick(rng, [255, 255, 250, rng.uniform(170, 250)])))


def edges(rng, page, strength):
    """Black or dark grey beyond the sheet on some sides, where the scanner's lid was open, slightly askew."""
    h, w = page.image.shape[:2]
    bands = rng.uniform(0.004, 0.02 + 0.08 * strength, 4) * (rng.random(4) < 0.6) * w
    bands[rng.integers(4)] = rng.uniform(0.01, 0.02 + 0.08 * strength) * w
    left, top, right, bottom = bands.astype(int)
    angle = rng.normal(0, 1.2 * strength)
    shift = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    shade = rng.uniform(0, 45) * np.ones(3) + rng.uniform(-4, 4, 3)
    return _warped(rng, page, shift @ _turn(angle, (w, h)), (w + left + right, h + top + bottom), np.clip(shade, 0, 255))


def _desk(rng, size):
    """What lies around a photographed page: wood, cloth, stone, a dark or a bright table."""
    w, h = size
    colour = np.array([rng.uniform(20, 200)] * 3) * rng.uniform(0.7, 1.1, 3)
    across, along = _pick(rng, [(3, 3), (40, 2), (2, 40), (16, 16)])
    coarse = rng.uniform(0.75, 1.1, (across + 1, along + 1)).astype(np.float32)
    field = cv2.resize(coarse, (w // 4 + 1, h // 4 + 1), interpolation=cv2.INTER_LINEAR)[..., None] * colour.astype(np.float32)
    desk = cv2.resize(np.clip(field, 0, 255).astype(np.uint8), (w, h))
    return _speckle(rng, desk, rng.uniform(2, 10), rng.uniform(0.7, 2), False)


def perspective(rng, page, strength):
    """A phone's view: corners moved by up to a tenth of the page at strength 1, turned a little, with a table around it."""
    h, w = page.image.shape[:2]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    moved = corners + (rng.uniform(-1, 1, (4, 2)) * (0.01 + 0.08 * strength) * min(h, w)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    matrix = _turn(rng.uniform(-1, 1) * 12 * strength ** 2, (w, h)) @ matrix
    matrix, size = _contain(matrix, page, rng.uniform(0, 0.06) * min(h, w))
    return _warped(rng, page, matrix, size, _desk(rng, size))


def shadow(rng, page, strength):
    """Uneven light: a lamp on one side, and often the soft shadow of a hand or phone."""
    small = (96, 72)
    light = _field(rng, small, int(rng.integers(1, 4)), 1 - rng.uniform(0.05, 0.15 + 0.45 * strength), rng.uniform(0.95, 1.06))
    if rng.random() < 0.6:
        y, x = np.mgrid[0:1:small[0] * 1j, 0:1:small[1] * 1j].astype(np.float32)
        angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.01, 0.15)
        distance = (x - rng.uniform(0.2, 0.8)) * np.cos(angle) + (y - rng.uniform(0.2, 0.8)) * np.sin(angle)
        if rng.random() < 0.4:
            distance = rng.uniform(0.15, 0.35) - np.abs(distance)
        light = light * (1 - rng.uniform(0.1, 0.15 + 0.4 * strength) / (1 + np.exp(-distance / soft)))
    warm = rng.normal(0, 0.01 + 0.03 * strength)
    return _with(page, _shade(page.image, (light[..., None] * np.array([1 - warm, 1, 1 + warm])).astype(np.float32)))


def blur(rng, page, strength):
    """Out of focus (Gaussian or disc) or shaken."""
    reach = rng.uniform(0.25, 0.35 + 1.5 * strength) * _unit(page)
    kind = rng.integers(3)
    if kind == 0:
        return _with(page, cv2.GaussianBlur(page.image, (0, 0), reach))
    side = 2 * int(np.ceil(reach * 2)) + 1
    at = (side * 8) // 2
    kernel = np.zeros((side * 8, side * 8), np.float32)
    if kind == 1:
        cv2.circle(kernel, (at, at), int(reach * 1.8 * 8), 1.0, -1)
    else:
        angle = rng.uniform(0, np.pi)
        step = np.array([np.cos(angle), np.sin(angle)]) * reach * 1.8 * 8
        cv2.line(kernel, tuple(int(v) for v in at - step), tuple(int(v) for v in at + step), 1.0, 8)
    kernel = cv2.resize(kernel, (side, side), interpolation=cv2.INTER_AREA)
    return _with(page, cv2.filter2D(page.image, -1, kernel / max(1e-6, float(kernel.sum()))))


def low_resolution(rng, page, strength):
    """Scanned or sent with fewer pixels, then enlarged: at 0.5 down to two thirds of them a side."""
    h, w = page.image.shape[:2]
    scale = rng.uniform(1 - 0.66 * strength, 1 - 0.2 * strength)
    small = cv2.resize(page.image, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=_pick(rng, [cv2.INTER_AREA, cv2.INTER_LINEAR]))
    return _with(page, cv2.resize(small, (w, h), interpolation=_pick(rng, [cv2.INTER_LINEAR, cv2.INTER_CUBIC])))


def noise(rng, page, strength):
    """A sensor's noise, grey or coloured, and on some pages dust."""
    image = _speckle(rng, page.image, rng.uniform(1, 2 + 22 * strength), rng.choice([0, 0, 0.7]), rng.random() < 0.4)
    if rng.random() < 0.4:
        h, w = image.shape[:2]
        count = int(h * w * rng.uniform(0, 1) ** 2 * 4e-4 * strength)
        y, x = rng.integers(0, h - 1, count), rng.integers(0, w - 1, count)
        image[y, x] = np.where(rng.random((count, 1)) < 0.8, rng.integers(0, 120), 255)
        image[y + 1, x] = (image[y + 1, x].astype(int) + image[y, x]) // 2
    return _with(page, image)


def jpeg(rng, page, strength):
    """Saved by a camera, a scanner or a chat application: quality 55 to 95 at 0.5, down to 18 at 1."""
    quality = int(rng.uniform(92 - 74 * strength, 96 - 10 * strength))
    return _with(page, cv2.imdecode(cv2.imencode(".jpg", page.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR))


def fax(rng, page, strength):
    """One bit a pixel at 100 to 200 dots an inch, with dropped and doubled dots."""
    h, w = page.image.shape[:2]
    scale = np.clip(rng.uniform(204 - 110 * strength, 204) / page.dpi, 0.3, 2)
    grey = cv2.resize(cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY), (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    light = cv2.resize(cv2.resize(grey, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA), grey.shape[::-1])
    rough = _tile(rng, grey.shape, 6 + 30 * strength * rng.random(), 0, False)
    grey = cv2.subtract(cv2.add(grey, np.ascontiguousarray(rough[0][..., 0])), np.ascontiguousarray(rough[1][..., 0]))
    bits = np.where(grey > np.minimum(light, 235) * rng.uniform(0.7, 0.85), 255, 0).astype(np.uint8)
    full = cv2.resize(bits, (w, h), interpolation=cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_AREA)
    return _with(page, cv2.cvtColor(full, cv2.COLOR_GRAY2BGR))


PARTS = {f.__name__: f for f in (paper, bleed, watermark, seal, fold, skew, edges, perspective, shadow, blur, low_resolution, noise, jpeg, fax)}
"""Every part, in the order that the world applies them: paper, print, handling, then the way into the computer."""

_SCAN = {"skew": 0.7, "edges": 0.3, "shadow": 0.1, "blur": 0.4, "low_resolution": 0.2, "noise": 0.6, "jpeg": 0.8}
_PHONE = {"perspective": 0.9, "shadow": 0.9, "blur": 0.6, "low_resolution": 0.15, "noise": 0.7, "jpeg": 0.95}
_FAX = {"skew": 0.8, "edges": 0.2, "blur": 0.3, "fax": 1.0}
_HANDLING = {"paper": 0.4, "bleed": 0.2, "watermark": 0.12, "seal": 0.3, "fold": 0.2}


def draw_parts(rng, strength):
    """Names of parts that go together: a scan, a phone picture or (seldom) a fax, of a page that has been handled."""
    way = _pick(rng, [_SCAN] * 11 + [_PHONE] * 8 + [_FAX])
    likely = min(1.0, 0.5 + strength)
    return [name for name in PARTS if rng.random() < {**_HANDLING, **way}.get(name, 0) * likely]


def degrade(rng, page, strength, parts=None):
    """`page` spoiled by `strength` (0: as it was, 0.5: a decent scanner or a careful phone picture, 1: barely legible) in the named
    parts, or in ones drawn at random. The clean page is not changed; `applied` names what was done, in order."""
    if not 0 <= strength <= 1:
        raise ValueError(f"strength {strength}: want 0 to 1")
    if strength == 0:
        return dataclasses.replace(page, applied=list(page.applied))
    if parts is None:
        parts = draw_parts(rng, strength)
    for name in sorted(parts, key=list(PARTS).index):
        page = PARTS[name](rng, page, strength)
        page.applied.append(name)
    return page


def rotate(page, degrees):
    """The page with its content turned clockwise by 0, 90, 180 or 270 degrees."""
    page = page.turned(degrees)
    if degrees:
        page.applied = [*page.applied, f"rotate {degrees}"]
    return page
