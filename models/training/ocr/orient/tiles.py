"""From a picture to the tiles that the orientation network sees; the Go server does exactly the same."""
import cv2
import numpy as np

TILE = 96            # pixels, a side
CELL = 16            # pixels, a side, of the cells whose contrast is measured
STRIDE = 3           # cells between the places where a tile may stand
APART = 5            # cells: two tiles are at least so far apart across or down
SIZE = 672           # the picture is reduced until the square root of its area is this
LEAST = 560          # a JPEG may be decoded reduced as long as the root of its area stays above this
NOISE, BRIGHT = 16, 112  # a pixel's contrast counts above the first, up to the second more
CAP = 32.0           # a cell's contrast counts up to this
FLOOR = 36.0         # a tile with less contrast in sum is empty
FIRST, MORE, HALF = 4, 5, 3  # tiles looked at first; further ones, and ones at half size, when the first leave a doubt
DEEPEST = -6.0       # a tile's log-probabilities are cut there


def reduction(width, height):
    """How far a JPEG of this size is decoded reduced: 8, 4, 2 or 1."""
    root = (width * height) ** 0.5
    return next(k for k in (8, 4, 2, 1) if k == 1 or root / k >= LEAST)


def reduce(gray):
    """Area average down to SIZE; smaller pictures stay as they are. At least a tile in both directions."""
    h, w = gray.shape
    scale = SIZE / (w * h) ** 0.5
    if scale < 1:
        gray = cv2.resize(gray, (max(1, int(w * scale + 0.5)), max(1, int(h * scale + 0.5))), interpolation=cv2.INTER_AREA)
        h, w = gray.shape
    if h < TILE or w < TILE:
        gray = cv2.copyMakeBorder(gray, 0, max(0, TILE - h), 0, max(0, TILE - w), cv2.BORDER_REPLICATE)
    return gray


def contrast(gray):
    """-> float32 [rows, columns]: each whole cell's contrast, 0..CAP."""
    h, w = gray.shape
    here = gray[:-1, :-1]
    d = cv2.add(cv2.absdiff(gray[:-1, 1:], here), cv2.absdiff(gray[1:, :-1], here), dtype=cv2.CV_16S)
    e = np.zeros((h, w), np.float32)
    e[:-1, :-1] = np.clip(d - NOISE, 0, BRIGHT)
    rows, columns = h // CELL, w // CELL
    mean = e[:rows * CELL, :columns * CELL].reshape(rows, CELL, columns, CELL).mean((1, 3))
    return np.minimum(mean, CAP).astype(np.float32)


def places(cells, count):
    """-> up to `count` (x, y) in pixels of tiles, the busiest first."""
    side = TILE // CELL
    rows, columns = cells.shape
    total = np.zeros((rows + 1, columns + 1))
    total[1:, 1:] = cells.cumsum(0).cumsum(1)
    ys, xs = ([*range(0, n - side + 1, STRIDE)] for n in (rows, columns))
    ys, xs = (v if v[-1] == n - side else v + [n - side] for v, n in ((ys, rows), (xs, columns)))
    ranked = sorted(((total[y, x] + total[y + side, x + side] - total[y, x + side] - total[y + side, x], y, x) for y in ys for x in xs),
                    key=lambda v: (-v[0], v[1], v[2]))
    chosen = []
    for score, y, x in ranked:
        if len(chosen) == count or (chosen and score < FLOOR):
            break
        if all(abs(y - b) >= APART or abs(x - a) >= APART for a, b in chosen):
            chosen.append((x, y))
    return [(x * CELL, y * CELL) for x, y in chosen]


def cut(gray, at):
    return np.stack([gray[y:y + TILE, x:x + TILE] for x, y in at])


def tiles(gray):
    """-> the first tiles and the further ones, uint8 [n, TILE, TILE] each (the second may be empty). `gray` is reduced."""
    at = places(contrast(gray), FIRST + MORE)
    first, more = cut(gray, at[:FIRST]), [gray[y:y + TILE, x:x + TILE] for x, y in at[FIRST:]]
    h, w = gray.shape[0] // 2 * 2, gray.shape[1] // 2 * 2
    if min(h, w) >= 2 * TILE:
        pairs = gray[:h, :w].astype(np.uint16)
        half = ((pairs[::2, ::2] + pairs[1::2, ::2] + pairs[::2, 1::2] + pairs[1::2, 1::2] + 2) // 4).astype(np.uint8)
        more += [half[y:y + TILE, x:x + TILE] for x, y in places(contrast(half), HALF)]
    return first, np.stack(more) if more else np.zeros((0, TILE, TILE), np.uint8)


def decode(data):
    """The reduced gray picture of an encoded one (bytes)."""
    encoded = np.frombuffer(data, np.uint8)
    flag = cv2.IMREAD_GRAYSCALE
    if data[:2] == b"\xff\xd8":
        full = size(data)
        flag = {1: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
                8: cv2.IMREAD_REDUCED_GRAYSCALE_8}[reduction(*full)]
    return reduce(cv2.imdecode(encoded, flag))


def size(data):
    """Width and height from a JPEG's frame header."""
    at = 2
    while at + 9 < len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7:at + 9], "big"), int.from_bytes(data[at + 5:at + 7], "big")
        at += 2 + length
    raise ValueError("no frame header in the JPEG")


def log_softmax(logits):
    z = logits - logits.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def page_probabilities(logits, sharpness):
    """Probabilities [4] of a page from its tiles' logits [n, 4]: the sum of their log-probabilities, times `sharpness`."""
    return np.exp(log_softmax(sharpness * np.maximum(log_softmax(np.asarray(logits, np.float64)), DEEPEST).sum(0)))
