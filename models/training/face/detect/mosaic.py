"""Composes training pictures: faces of the prepared pictures, scaled, turned, flipped, covered and degraded, with their boxes,
landmarks and teacher scores carried along; and pictures without faces. Everything is drawn from one numpy Generator."""
import pathlib

import cv2
import numpy as np

PAGES = 60                       # made-up pages drawn once; pictures show pieces of them
PAGE = 480                       # pixels, their width and height
MOST = 20                        # rows of targets a picture
SMALLEST = 10                    # pixels; smaller faces are neither taught nor punished
SURE = 0.65                      # teacher score from which a face is taught; below, the place is left alone
# A target row: x1 y1 x2 y2, ten landmark coordinates, score, and 1 to teach or 0 to leave alone; unused rows are -1.
COLUMNS = 16
FLIPPED = [1, 0, 2, 4, 3]        # right and left change places in a mirror


class Faces:
    """The prepared pictures, per picture its faces as rows of score, box, landmarks, and the size of canvas to compose, in pixels."""

    def __init__(self, folder, canvas=320):
        folder, self.canvas = pathlib.Path(folder), canvas
        self.pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        table = np.load(folder / "faces.npy")
        self.faces = [table[table[:, 0] == i][:, 1:] for i in range(len(self.pictures))]
        self.usable = np.array([i for i, f in enumerate(self.faces) if len(f) and f[:, 0].max() > 0.8])
        hard = folder / "hard.npy"
        self.hard = np.load(hard) if hard.exists() else np.zeros((0, 5), np.float32)
        self.pages = [text(np.random.default_rng([1, k])) for k in range(PAGES)]

    def main(self, i):
        """The surest large face of picture i: score, box, landmarks."""
        rows = self.faces[i]
        return rows[np.argmax(rows[:, 0] * np.sqrt(rows[:, 3] * rows[:, 4]))]


def placement(face, size, angle, mirror, x, y):
    """The 2x3 transform that puts the centre of a face at x, y with the given size (square root of its area) and turn."""
    scale = size / np.sqrt(face[3] * face[4])
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    m = np.array([[-c if mirror else c, -s], [-s if mirror else s, c]], np.float64)
    centre = face[1:3] + face[3:5] / 2
    return np.hstack([m, (np.array([x, y]) - m @ centre)[:, None]]).astype(np.float32)


def carry(rows, m):
    """Transforms face rows (score, box, landmarks) into target rows. A turned box is the box round the turned ellipse."""
    out = np.zeros((len(rows), COLUMNS), np.float32)
    centre = (rows[:, 1:3] + rows[:, 3:5] / 2) @ m[:, :2].T + m[:, 2]
    half = np.sqrt((rows[:, 3:5] / 2) ** 2 @ (m[:, :2] ** 2).T)
    points = rows[:, 5:].reshape(-1, 5, 2) @ m[:, :2].T + m[:, 2]
    if np.linalg.det(m[:, :2]) < 0:
        points = points[:, FLIPPED]
    out[:, :2], out[:, 2:4], out[:, 4:14] = centre - half, centre + half, points.reshape(-1, 10)
    out[:, 14], out[:, 15] = rows[:, 0], rows[:, 0] >= SURE
    return out


def text(rng, size=PAGE):
    """A page of made-up writing: strokes in cells, as dense as Chinese print or as long as Latin words, at times a table."""
    page = np.full((size, size, 3), rng.integers(180, 256), np.uint8) - rng.integers(0, 12, 3).astype(np.uint8)
    ink = tuple(int(v) for v in rng.integers(0, 110, 3))
    height = int(rng.integers(7, 60))
    pitch = int(height * rng.uniform(1.2, 2))
    for y in range(int(rng.integers(0, pitch)), size, pitch):
        x = int(rng.integers(0, 40))
        latin = rng.random() < 0.4
        while x < size:
            if rng.random() < (0.15 if latin else 0.05):
                x += height // 2
                continue
            if latin:
                cv2.putText(page, chr(rng.integers(33, 127)), (x, y), int(rng.integers(0, 8)), height / 24, ink, max(1, height // 14), cv2.LINE_AA)
                x += int(height * 0.7)
            else:
                for _ in range(int(rng.integers(3, 9))):
                    ax, ay, dx, dy = rng.integers((0, 0, -height, -height), height)
                    if rng.random() < 0.5:
                        dy //= 10
                    else:
                        dx //= 7
                    bx, by = min(max(ax + dx, 0), height), min(max(ay + dy, 0), height)
                    cv2.line(page, (int(x + ax), int(y - ay)), (int(x + bx), int(y - by)), ink, max(1, height // 12), cv2.LINE_AA)
                x += int(height * 1.1)
        if rng.random() < 0.1:
            cv2.line(page, (0, y + 2), (size, y + 2), ink, 1)
    if rng.random() < 0.3:
        centre = tuple(int(v) for v in rng.integers(40, size - 40, 2))
        cv2.circle(page, centre, int(rng.integers(20, 70)), (40, 30, int(rng.integers(160, 230))), int(rng.integers(2, 6)), cv2.LINE_AA)
    return page


def texture(rng, size):
    """Smoothed noise at several scales with shapes over it: ellipses, boxes and stripes that are no faces."""
    out = np.zeros((size, size, 3), np.float32)
    for cell in rng.choice([2, 4, 8, 20, 40, 80], 3, replace=False):
        n = size // cell + 2
        colour = rng.uniform(0, 255, (n, n, 3)) if rng.random() < 0.5 else np.repeat(rng.uniform(0, 255, (n, n, 1)), 3, 2)
        out += rng.uniform(0.1, 1) * cv2.resize(colour.astype(np.float32), (size, size), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_NEAREST])))
    out = cv2.normalize(out, None, rng.uniform(0, 100), rng.uniform(120, 255), cv2.NORM_MINMAX).astype(np.uint8)
    for _ in range(int(rng.integers(0, 14))):
        colour = tuple(int(v) for v in (rng.integers(0, 256, 3) if rng.random() < 0.5 else rng.integers((60, 90, 130), (170, 200, 250))))
        a, axes = tuple(int(v) for v in rng.integers(0, size, 2)), tuple(int(v) for v in rng.integers(3, 90, 2))
        thick = -1 if rng.random() < 0.6 else int(rng.integers(1, 5))
        if rng.random() < 0.6:
            cv2.ellipse(out, a, axes, int(rng.integers(0, 180)), 0, 360, colour, thick, cv2.LINE_AA)
        else:
            cv2.rectangle(out, a, (a[0] + axes[0], a[1] + axes[1]), colour, thick)
    return out


def scrap(faces, rng):
    """A piece of a picture well away from every face the teacher suspects, enlarged to the canvas."""
    for _ in range(12):
        i = int(rng.integers(len(faces.pictures)))
        side = int(rng.integers(40, 110))
        x, y = rng.integers(0, 250 - side, 2)
        rows = faces.faces[i]
        grow = rows[:, 3:5] * 0.25
        low, high = rows[:, 1:3] - grow, rows[:, 1:3] + rows[:, 3:5] + grow
        if len(rows) and not np.any(np.all((low < (x + side, y + side)) & (high > (x, y)), 1)):
            return cv2.resize(faces.pictures[i][y:y + side, x:x + side], (faces.canvas, faces.canvas))
    return texture(rng, faces.canvas)


def piece(page, size, rng):
    """A square piece of a page, at most enlarged or reduced by 2, at times mirrored or in negative."""
    side = int(rng.integers(size // 2, min(PAGE, 2 * size) + 1))
    x, y = (int(v) for v in rng.integers(0, PAGE - side + 1, 2))
    out = cv2.resize(page[y:y + side, x:x + side], (size, size), interpolation=cv2.INTER_AREA)
    out = out[:, ::-1] if rng.random() < 0.3 else out
    return np.ascontiguousarray(255 - out if rng.random() < 0.1 else out)


def background(faces, rng):
    kind = rng.random()
    if kind < 0.25:
        return piece(faces.pages[rng.integers(PAGES)], faces.canvas, rng)
    if kind < 0.6:
        return texture(rng, faces.canvas)
    if kind < 0.9:
        return scrap(faces, rng)
    return np.full((faces.canvas, faces.canvas, 3), rng.integers(0, 256, 3), np.uint8)


def cover(picture, face, rng):
    """Draws a mask over mouth and nose, or dark glasses, on a copy of the picture; the landmarks stay where they are."""
    picture = picture.copy()
    eye_r, eye_l, nose, mouth_r, mouth_l = face[5:].reshape(5, 2)
    across, centre = eye_l - eye_r, face[1:3] + face[3:5] / 2
    colour = tuple(int(v) for v in (rng.integers(150, 256, 3) if rng.random() < 0.5 else rng.integers(0, 256, 3)))
    if rng.random() < 0.7:
        chin = (mouth_r + mouth_l) / 2 + ((mouth_r + mouth_l) / 2 - nose) * rng.uniform(1.0, 1.5)
        top = nose + (nose - chin) * rng.uniform(-0.1, 0.25)
        outline = [mouth_r - across * 0.55 + (top - nose) * 0.5, top - across * 0.2, top, top + across * 0.2,
                   mouth_l + across * 0.55 + (top - nose) * 0.5, mouth_l + across * 0.35 + (chin - nose) * 0.35, chin + across * 0.25,
                   chin - across * 0.25, mouth_r - across * 0.35 + (chin - nose) * 0.35]
        cv2.fillPoly(picture, [np.round(np.array(outline)).astype(np.int32)], colour, cv2.LINE_AA)
        for side in (-1, 1):
            start = mouth_r - across * 0.5 if side < 0 else mouth_l + across * 0.5
            end = start + side * across * 0.5 + (eye_r - mouth_r) * 0.4
            cv2.line(picture, tuple(np.round(start).astype(int).tolist()), tuple(np.round(end).astype(int).tolist()), colour, 2, cv2.LINE_AA)
    elif rng.random() < 0.7:
        radius = int(max(2, np.linalg.norm(across) * rng.uniform(0.25, 0.4)))
        shade = tuple(int(v) for v in rng.integers(0, 70, 3))
        for eye in (eye_r, eye_l):
            cv2.ellipse(picture, tuple(np.round(eye).astype(int).tolist()), (radius, int(radius * 0.75)), 0, 0, 360, shade, -1, cv2.LINE_AA)
        cv2.line(picture, tuple(np.round(eye_r).astype(int).tolist()), tuple(np.round(eye_l).astype(int).tolist()), shade, 2)
    else:
        size = np.maximum(2, face[3:5] * rng.uniform(0.2, 0.45, 2)).astype(int)
        at = (centre + rng.uniform(-0.4, 0.2, 2) * face[3:5]).astype(int)
        cv2.rectangle(picture, tuple(at.tolist()), tuple((at + size).tolist()), colour, -1)
    return picture


def paste(canvas, owner, label, faces, i, m, region, rng):
    """Draws picture i by the transform m, limited to `region` of its own pixels (x1 y1 x2 y2), and notes who owns each pixel."""
    picture = np.asarray(faces.pictures[i])
    if rng.random() < 0.12:
        picture = cover(picture, faces.main(i), rng)
    # Halve large pictures before a strong reduction: the warp samples only four pixels.
    scale = np.sqrt(abs(np.linalg.det(m[:, :2])))
    source, warp = picture, m.copy()
    while scale < 0.55:
        source = cv2.resize(source, (source.shape[1] // 2, source.shape[0] // 2), interpolation=cv2.INTER_AREA)
        factor = picture.shape[0] / source.shape[0]
        warp = np.hstack([m[:, :2] * factor, m[:, 2:]])
        scale *= 2
    corners = np.array([[region[0], region[1]], [region[2], region[1]], [region[2], region[3]], [region[0], region[3]]]) @ m[:, :2].T + m[:, 2]
    low = np.clip(np.floor(corners.min(0)).astype(int), 0, faces.canvas)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 0, faces.canvas)
    if np.any(high - low < 2):
        return False
    warp = warp.copy()
    warp[:, 2] -= low
    w, h = (high - low).tolist()
    drawn = cv2.warpAffine(source, warp, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((h, w), np.uint8)
    if rng.random() < 0.25:
        centre, axes = (corners.mean(0) - low), np.array([region[2] - region[0], region[3] - region[1]]) * np.sqrt(abs(np.linalg.det(m[:, :2]))) / 2
        angle = np.degrees(np.arctan2(m[1, 0], m[0, 0]))
        cv2.ellipse(mask, tuple(np.round(centre).astype(int).tolist()), tuple(np.maximum(1, axes).astype(int).tolist()), angle, 0, 360, 255, -1)
    else:
        cv2.fillPoly(mask, [np.round(corners - low).astype(np.int32)], 255)
    soft = mask
    if rng.random() < 0.3:
        k = int(rng.choice([3, 5, 9]))
        soft = cv2.blur(mask, (k, k))
    place = canvas[low[1]:high[1], low[0]:high[0]]
    alpha = soft[..., None].astype(np.float32) / 255
    place[:] = (place * (1 - alpha) + drawn * alpha).astype(np.uint8)
    owner[low[1]:high[1], low[0]:high[0]][mask > 127] = label
    return True


def visible(owner, label, box):
    """The share of a box whose pixels still belong to the pasted picture; outside the canvas counts as hidden."""
    x1, y1, x2, y2 = np.round(box).astype(int)
    area = max(1, (x2 - x1) * (y2 - y1))
    return np.count_nonzero(owner[max(0, y1):max(0, y2), max(0, x1):max(0, x2)] == label) / area


def compose(faces, rng):
    """One canvas (uint8 BGR) and its target rows."""
    side = faces.canvas
    canvas, owner, placed = background(faces, rng), np.zeros((side, side), np.uint8), []
    kind = rng.random()
    count = 0 if kind < 0.1 else 1 if kind < 0.35 else int(rng.integers(2, 5)) if kind < 0.65 else int(rng.integers(4, 13))
    largest = side * {0: 0, 1: 0.95}.get(count, 0.53 if count < 5 else 0.3)
    for label in range(1, count + 1):
        if len(faces.hard) and rng.random() < 0.4:
            # As a face would be, but round something that a half-trained detector took for one.
            i, face = int((row := faces.hard[rng.integers(len(faces.hard))])[0]), row
        else:
            i = int(faces.usable[rng.integers(len(faces.usable))])
            face = faces.main(i)
        size = np.exp(rng.uniform(np.log(11), np.log(largest)))
        angle = np.radians(rng.uniform(-30, 30)) if rng.random() < 0.6 else np.radians(rng.normal(0, 5))
        x, y = rng.uniform(0.02, 0.98, 2) * side if size < 0.4 * side else side / 2 + rng.normal(0, 0.5, 2) * max(20, side - size) / 2
        m = placement(face, size, angle, rng.random() < 0.5, x, y)
        grow = rng.uniform(0.15, 3.0) if rng.random() < 0.6 else 3.0
        low = np.maximum(0, face[1:3] - face[3:5] * grow * rng.uniform(0.4, 1, 2))
        high = np.minimum(250, face[1:3] + face[3:5] * (1 + grow * rng.uniform(0.4, 1, 2)))
        if paste(canvas, owner, label, faces, i, m, np.concatenate([low, high]), rng):
            placed.append((label, carry(faces.faces[i], m)))
    targets = []
    for label, rows in placed:
        for row in rows:
            seen = visible(owner, label, row[:4])
            if seen < 0.3:
                continue
            if seen < 0.6 or np.sqrt(max(0, (row[2] - row[0]) * (row[3] - row[1]))) < SMALLEST:
                row[15] = 0
            targets.append(row)
    return canvas, np.array(sorted(targets, key=lambda r: -r[15]), np.float32).reshape(-1, COLUMNS)[:MOST]


def degrade(picture, rng):
    """Camera and file: light, colour, grey, blur, low resolution, noise, JPEG."""
    out = picture.astype(np.float32)
    if rng.random() < 0.7:
        out = (out - 128) * rng.uniform(0.5, 1.4) + 128 + rng.uniform(-50, 50)
    if rng.random() < 0.5:
        out *= rng.uniform(0.75, 1.25, 3)
    out = np.clip(out, 0, 255)
    if rng.random() < 0.3:
        out = 255 * (out / 255) ** np.exp(rng.uniform(-0.7, 0.7))
    if rng.random() < 0.15:
        out[:] = out.mean(2, keepdims=True)
    if rng.random() < 0.15:
        ramp = np.linspace(rng.uniform(0.3, 1), rng.uniform(0.6, 1.3), len(out))
        out *= ramp[None, :, None] if rng.random() < 0.5 else ramp[:, None, None]
    if rng.random() < 0.25:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 2.0))
    elif rng.random() < 0.1:
        k = int(rng.integers(3, 8))
        out = cv2.filter2D(out, -1, np.eye(k) / k if rng.random() < 0.5 else np.full((1, k), 1 / k))
    if rng.random() < 0.3:
        out += rng.normal(0, rng.uniform(1, 14), out.shape).astype(np.float32)
    out = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        out = cv2.imdecode(cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 95))])[1], cv2.IMREAD_COLOR)
    return out


def sample(faces, rng):
    """A degraded canvas and its targets padded to MOST rows."""
    canvas, rows = compose(faces, rng)
    targets = np.full((MOST, COLUMNS), -1, np.float32)
    targets[:len(rows)] = rows
    return degrade(canvas, rng), targets
