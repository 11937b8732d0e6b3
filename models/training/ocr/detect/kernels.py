"""Text kernels: what the detector learns to mark, and the way back from its map to lines (DBNet, Liao et al. 2020).

A line's kernel is its outline shrunk on all sides by d = u A' / L', where A' and L' are the kernel's own area and perimeter: the
usual unclipping with ratio u then gives a rectangle back exactly. With u = 1 a long line's kernel is half as high as the line.
"""
import cv2
import numpy as np

UNCLIP = 1.0
FINE = 4                         # bits of sub-pixel position in drawing


def shrink(width, height, u=UNCLIP):
    """Distance by which a rectangle is to be shrunk. With S = w + h it solves (4u + 8) d^2 - 2 S (1 + u) d + u w h = 0, which is
    2 d (S - 4 d) = u (w - 2 d)(h - 2 d)."""
    s, a = width + height, 4 * u + 8
    b = 2 * s * (1 + u)
    return (b - np.sqrt(max(0.0, b * b - 4 * a * u * width * height))) / (2 * a)


def length(points):
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _cut(points, start, end):
    """A polyline without its first `start` and last `end` pixels."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.concatenate([[start], along[(along > start) & (along < along[-1] - end)], [along[-1] - end]])
    return np.stack([np.interp(at, along, points[:, k]) for k in (0, 1)], 1)


def kernel(outline, u=UNCLIP):
    """`outline` float [2n, 2]: n points along the top in reading direction, then n back along the bottom -> the kernel's outline."""
    n = len(outline) // 2
    top, bottom = outline[:n], outline[n:][::-1]
    width = (length(top) + length(bottom)) / 2
    height = float(np.linalg.norm(top - bottom, axis=1).mean())
    if min(width, height) < 1:
        return outline
    d = shrink(width, height, u)
    share = min(0.45, d / height)
    inner = top + share * (bottom - top), bottom + share * (top - bottom)
    ends = [min(d, 0.45 * length(line)) for line in inner]
    return np.concatenate([_cut(inner[0], ends[0], ends[0]), _cut(inner[1], ends[1], ends[1])[::-1]])


def caps(outline, u=UNCLIP):
    """The two places around a line's ends where no kernel of its own is: from the kernel's end to 0.4 of the height beyond the line's."""
    n = len(outline) // 2
    top, bottom = outline[:n], outline[n:][::-1]
    height = float(np.linalg.norm(top - bottom, axis=1).mean())
    d = shrink((length(top) + length(bottom)) / 2, height, u)
    found = []
    for last, before in ((0, 1), (-1, -2)):
        out = (top[last] + bottom[last] - top[before] - bottom[before]) / 2
        out = out / max(1e-6, float(np.linalg.norm(out)))
        found.append(np.stack([top[last] - d * out, top[last] + 0.4 * height * out, bottom[last] + 0.4 * height * out, bottom[last] - d * out]))
    return found


def tips(outline, u=UNCLIP):
    """The kernel's own two ends: of each as much as the line is high, at most half the kernel."""
    inner = kernel(outline, u)
    n = len(inner) // 2
    top, bottom = inner[:n], inner[n:][::-1]
    whole = outline[:len(outline) // 2] - outline[len(outline) // 2:][::-1]
    height, found = float(np.linalg.norm(whole, axis=1).mean()), []
    for first in (True, False):
        cut = [max(0.0, length(line) - min(height, 0.5 * length(line))) for line in (top, bottom)]
        part = [_cut(line, *((0, c) if first else (c, 0))) for line, c in zip((top, bottom), cut)]
        found.append(np.concatenate([part[0], part[1][::-1]]))
    return found


def fill(mask, outline, value, scale):
    """Draws an outline, in input pixels, on a map of `scale` map pixels an input pixel."""
    # A pixel's centre is its integer position for OpenCV, and the middle of it here.
    points = (outline * scale - 0.5) * 2 ** FINE
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], value, lineType=cv2.LINE_8, shift=FINE)


def boxes(probability, stride, unclip=UNCLIP, pixel=0.3, box=0.5, least=1.5):
    """Map [h, w] -> list of (quadrilateral float [4, 2] in input pixels, score), by the smallest rectangle around each component.
    `least`: shorter side of a kernel, in map pixels."""
    found = []
    contours, _ = cv2.findContours((probability > pixel).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        centre, size, angle = cv2.minAreaRect(contour)
        # The contour runs through pixel centres: half a pixel is missing all around.
        w, h = size[0] + 1, size[1] + 1
        if min(w, h) < least or w * h < 6:
            continue
        x, y, bw, bh = cv2.boundingRect(contour)
        inside = np.zeros((bh, bw), np.uint8)
        cv2.drawContours(inside, [contour], -1, 1, -1, offset=(-x, -y))
        score = float(probability[y:y + bh, x:x + bw][inside > 0].mean())
        if score < box:
            continue
        d = w * h * unclip / (2 * (w + h))
        corners = cv2.boxPoints((np.array(centre) + 0.5, (w + 2 * d, h + 2 * d), angle)) * stride
        found.append((corners, score))
    return found
