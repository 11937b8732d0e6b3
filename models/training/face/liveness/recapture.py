"""Simulates recaptured faces: what a camera sees of a print or a screen that shows a portrait. Nothing here is a real attack.

Each attack takes an RGB portrait and gives the scene that a camera would have before it, as a picture of the same size; the spoiling that
any camera adds (light, blur, noise, JPEG) comes after, for live and recaptured pictures alike.
"""
import cv2
import numpy as np

PAPER, LIVE, SCREEN = 0, 1, 2            # the network's classes


def smooth(rng, shape, cells, spread):
    """A smooth random field, [h, w] about 0."""
    field = rng.normal(0, spread, (cells, cells)).astype(np.float32)
    return cv2.resize(field, shape[1::-1], interpolation=cv2.INTER_CUBIC)


def grid(shape, period, angle):
    """Phases of a square grid turned by `angle`: two arrays in radians."""
    y, x = np.mgrid[:shape[0], :shape[1]].astype(np.float32)
    c, s = np.cos(angle), np.sin(angle)
    return 2 * np.pi * (c * x + s * y) / period, 2 * np.pi * (c * y - s * x) / period


def tone(x, rng, low, high, gamma):
    """Compresses 0..255 into the medium's range and bends its gamma."""
    return low + (high - low) * (np.clip(x, 0, 255) / 255) ** gamma


def print_dots(x, rng):
    """A halftone print: each colour a grid of dots at its own angle, seen sharp or nearly blended."""
    out, period, depth = np.empty_like(x), rng.uniform(2.2, 9), rng.uniform(0.25, 0.9)
    start = rng.uniform(0, np.pi)
    for c, turn in enumerate((0.26, 1.31, 0.79)):
        u, v = grid(x.shape, period, start + turn)
        screen = 127.5 + 63.7 * (np.cos(u) + np.cos(v))
        dots = 255 / (1 + np.exp(-(x[..., c] - screen) / rng.uniform(8, 40)))
        out[..., c] = depth * dots + (1 - depth) * x[..., c]
    return tone(cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.0)), rng, rng.uniform(15, 60), rng.uniform(190, 250), 1)


def paper(x, rng):
    """Inkjet or laser on plain paper: weak black, narrow colours, fibre, a light gradient and soft creases."""
    grey = x.mean(2, keepdims=True)
    x = grey + (x - grey) * rng.uniform(0.35, 1.0)
    x = tone(x, rng, rng.uniform(25, 80), rng.uniform(175, 245), np.exp(rng.normal(0, 0.25))) * np.exp(rng.normal(0, 0.06, 3))
    fibre = cv2.GaussianBlur(rng.normal(0, 1, x.shape[:2]).astype(np.float32), (0, 0), rng.uniform(0.5, 1.2))
    x = x * (1 + rng.uniform(0.01, 0.06) * fibre)[..., None] * np.exp(smooth(rng, x.shape, 2, 0.25))[..., None]
    if rng.random() < 0.5:
        y, w = np.mgrid[:x.shape[0], :x.shape[1]].astype(np.float32)
        angle, width = rng.uniform(0, np.pi), rng.uniform(2, 12)
        line = np.cos(angle) * (w - x.shape[1] * rng.uniform(0.2, 0.8)) + np.sin(angle) * (y - x.shape[0] * rng.uniform(0.2, 0.8))
        x = x * (1 + rng.uniform(-0.2, 0.2) * np.tanh(line / width) * np.exp(-np.abs(line) / (8 * width)))[..., None]
    return x


def bend(x, rng):
    """A bent or wavy print: columns move and their light follows the slope."""
    h, w = x.shape[:2]
    t = np.linspace(0, 1, w, dtype=np.float32)
    wave = rng.uniform(3, 14) * np.sin(2 * np.pi * (rng.uniform(0.4, 1.6) * t + rng.random()))
    y, u = np.mgrid[:h, :w].astype(np.float32)
    x = cv2.remap(x, u + np.gradient(wave) * 20, y + wave, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return x * (1 + rng.uniform(0.5, 2.5) * np.gradient(wave))[None, :, None]


def moire(x, rng):
    """A screen's pixel grid beating with the camera's: slow coloured waves, or the stripes of the subpixels themselves."""
    period, angle = rng.uniform(2.1, 9) if rng.random() < 0.6 else rng.uniform(9, 40), rng.uniform(0, np.pi)
    warp = smooth(rng, x.shape, 3, rng.uniform(0.5, 6))
    depth = rng.uniform(0.03, 0.22)
    for c in range(3):
        u, v = grid(x.shape, period * (1 + rng.normal(0, 0.01)), angle)
        x[..., c] *= 1 + depth * (np.cos(u + warp + 2.1 * c * rng.uniform(0.5, 1)) + rng.uniform(0, 1) * np.cos(v + warp)) / 2
    return x


def screen(x, rng):
    """A phone, tablet or monitor: gamma, blue white, raised black, backlight unevenness, perhaps moire and scan bands."""
    x = tone(x, rng, rng.uniform(0, 35), rng.uniform(200, 300), np.exp(rng.normal(0, 0.3))) * np.array([rng.uniform(0.82, 1), rng.uniform(0.9, 1), rng.uniform(0.98, 1.2)])
    x = x.astype(np.float32) * np.exp(smooth(rng, x.shape, 3, 0.08))[..., None]
    if rng.random() < 0.75:
        x = moire(x, rng)
    if rng.random() < 0.3:
        y = np.arange(x.shape[0], dtype=np.float32)
        x = x * (1 + rng.uniform(0.02, 0.15) * np.sin(2 * np.pi * (y / rng.uniform(15, 120) + rng.random())))[:, None, None]
    return x


def gloss(x, rng):
    """Lamps and windows mirrored in glass or coated paper: soft spots or a slanted veil."""
    h, w = x.shape[:2]
    y, u = np.mgrid[:h, :w].astype(np.float32)
    for _ in range(int(rng.integers(1, 3))):
        if rng.random() < 0.6:
            size = rng.uniform(0.04, 0.25, 2) * (w, h)
            light = np.exp(-(((u - rng.uniform(0, w)) / size[0]) ** 2 + ((y - rng.uniform(0, h)) / size[1]) ** 2))
        else:
            angle = rng.uniform(0, np.pi)
            light = 0.5 + 0.5 * np.tanh((np.cos(angle) * (u - rng.uniform(0.2, 0.8) * w) + np.sin(angle) * (y - h / 2)) / rng.uniform(2, 24))
        x = x + rng.uniform(20, 150) * light[..., None]
    return x


def held(x, backdrop, face, rng, border):
    """The medium as a flat thing in a scene: in perspective, with a border or bezel of `border`, its edge near the face (x y w h)."""
    h, w = x.shape[:2]
    grow = rng.uniform(0.02, 0.45, 4)
    x1, y1 = max(0, face[0] - grow[0] * face[2]), max(0, face[1] - grow[1] * face[3])
    x2, y2 = min(w, face[0] + face[2] * (1 + grow[2])), min(h, face[1] + face[3] * (1 + grow[3]))
    out = x.copy()
    edge = rng.uniform(0.0, 0.12) * face[2]
    scene = backdrop.copy()
    a, b = (int(max(0, x1 - edge)), int(max(0, y1 - edge))), (int(min(w, x2 + edge)), int(min(h, y2 + edge)))
    cv2.rectangle(scene, a, b, border, -1)
    mask = np.zeros((h, w), np.uint8)
    cv2.rectangle(mask, (int(x1), int(y1)), (int(x2), int(y2)), 255, -1)
    if rng.random() < 0.3:               # cut round the head
        mask[:] = 0
        cv2.ellipse(mask, (int((x1 + x2) / 2), int((y1 + y2) / 2)), (int((x2 - x1) / 2), int((y2 - y1) / 2)), 0, 0, 360, 255, -1)
        scene = backdrop.copy()
    share = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 1.2)).astype(np.float32)[..., None] / 255
    return share * out + (1 - share) * scene


def perspective(x, rng):
    h, w = x.shape[:2]
    corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    moved = corners + rng.normal(0, 0.035, (4, 2)).astype(np.float32) * (w, h)
    return cv2.warpPerspective(x, cv2.getPerspectiveTransform(corners, moved.astype(np.float32)), (w, h), borderMode=cv2.BORDER_REFLECT)


KINDS = ("print dots", "paper", "bent paper", "cut-out", "screen", "screen with bezel")


def attack(portrait, backdrop, face, kind, rng):
    """The scene of one attack, float32 RGB, and its class."""
    x = portrait.astype(np.float32)
    # The print or screen shows a picture that was taken, and perhaps shrunk, before.
    if rng.random() < 0.6:
        scale = rng.uniform(0.45, 0.95)
        x = cv2.resize(cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), portrait.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    tint = lambda low, high: tuple(float(v) for v in rng.uniform(low, high) + rng.normal(0, 5, 3))
    if kind == "print dots":
        x, label = print_dots(x, rng), PAPER
    elif kind == "paper":
        x, label = paper(x, rng), PAPER
    elif kind == "bent paper":
        x, label = bend(paper(x, rng), rng), PAPER
    elif kind == "cut-out":
        x, label = held(paper(x, rng) if rng.random() < 0.6 else print_dots(x, rng), backdrop.astype(np.float32), face, rng, tint(170, 255)), PAPER
    elif kind == "screen":
        x, label = screen(x, rng), SCREEN
    else:
        x, label = held(screen(x, rng), backdrop.astype(np.float32), face, rng, tint(5, 50) if rng.random() < 0.7 else tint(180, 250)), SCREEN
    if rng.random() < 0.35:
        x = gloss(x, rng)
    if rng.random() < 0.6:
        x = perspective(x.astype(np.float32), rng)
    return np.clip(x, 0, 255).astype(np.float32), label


def camera(x, rng):
    """What any camera does to any scene: light, white balance, focus, resolution, noise, JPEG. uint8 RGB."""
    x = np.clip(x, 0, 255)
    x = 255 * (x / 255) ** np.exp(rng.normal(0, 0.18)) * np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.05, 3))
    grey = x.mean(2, keepdims=True)
    x = grey + (x - grey) * np.exp(rng.normal(0, 0.2))
    if rng.random() < 0.35:
        x = cv2.GaussianBlur(x.astype(np.float32), (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.15:
        n = int(rng.integers(3, 9))
        kernel = np.zeros((n, n), np.float32)
        cv2.line(kernel, (0, int(rng.integers(n))), (n - 1, int(rng.integers(n))), 1, 1)
        x = cv2.filter2D(x.astype(np.float32), -1, kernel / kernel.sum())
    if rng.random() < 0.4:
        x = x + rng.normal(0, rng.uniform(1, 8), x.shape)
    if rng.random() < 0.3:
        x = x * np.exp(smooth(rng, x.shape, 2, 0.25))[..., None]
    x = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        x = cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 97))])[1], cv2.IMREAD_COLOR)
    return x
