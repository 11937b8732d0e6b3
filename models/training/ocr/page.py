"""The type of a rendered page and its truth, shared by layouts (which draws pages) and degrade (which spoils them)."""
import dataclasses
import json

import cv2
import numpy as np


@dataclasses.dataclass(eq=False)
class Line:
    """One line (or, where `vertical`, one column) of text. `polygon`: float32 [4, 2], pixels, clockwise, starting at the corner that is
    the top left one when the characters stand upright. `chars`: (character, x, y, width, height) of the ink, float pixels, in reading
    order; spaces have no entry. `role`: title, body, label, value, cell, header, footer, page-number, signature, date, number, note."""
    text: str
    polygon: np.ndarray
    chars: list
    vertical: bool = False
    role: str = "body"


@dataclasses.dataclass(eq=False)
class Page:
    """`image`: uint8 [height, width, 3], BGR. `lines`: in reading order. `regions`: (kind, polygon [n, 2]) with kind seal, table, cell,
    picture, signature or margin. `rotation`: degrees clockwise that the content is turned from upright, 0, 90, 180 or 270.
    `applied`: names of the degradations, in order."""
    image: np.ndarray
    lines: list
    regions: list
    kind: str
    dpi: int = 150
    font: str = ""
    rotation: int = 0
    applied: list = dataclasses.field(default_factory=list)

    def mapped(self, image, f):
        """The same page with another picture; `f` takes points float [n, 2] of the old picture to the new one. A character's box becomes
        the upright box around its mapped corners."""
        lines = []
        for line in self.lines:
            points = [np.asarray(line.polygon, np.float64)]
            if line.chars:
                boxes = np.array([c[1:] for c in line.chars], np.float64)
                x, y, w, h = boxes.T
                points.append(np.stack([x, y, x + w, y, x + w, y + h, x, y + h], 1).reshape(-1, 2))
            to = f(np.concatenate(points))
            corners = to[4:].reshape(-1, 4, 2)
            low, size = corners.min(1), np.ptp(corners, axis=1)
            chars = [(c[0], float(a[0]), float(a[1]), float(b[0]), float(b[1])) for c, a, b in zip(line.chars, low, size)]
            lines.append(dataclasses.replace(line, polygon=to[:4].astype(np.float32), chars=chars))
        regions = [(kind, f(np.asarray(p, np.float64)).astype(np.float32)) for kind, p in self.regions]
        return dataclasses.replace(self, image=image, lines=lines, regions=regions, applied=list(self.applied))

    def turned(self, degrees):
        """The page with its content turned clockwise by 0, 90, 180 or 270 degrees."""
        h, w = self.image.shape[:2]
        if degrees == 0:
            return self
        code, f = {
            90: (cv2.ROTATE_90_CLOCKWISE, lambda p: np.stack([h - p[:, 1], p[:, 0]], 1)),
            180: (cv2.ROTATE_180, lambda p: np.stack([w - p[:, 0], h - p[:, 1]], 1)),
            270: (cv2.ROTATE_90_COUNTERCLOCKWISE, lambda p: np.stack([p[:, 1], w - p[:, 0]], 1)),
        }[degrees]
        page = self.mapped(cv2.rotate(self.image, code), f)
        page.rotation = (self.rotation + degrees) % 360
        return page

    def text(self):
        """The lines in reading order, one a row."""
        return "".join(line.text + "\n" for line in self.lines)

    def truth(self):
        """What an evaluation needs, as JSON."""
        return json.dumps({
            "rotation": self.rotation, "kind": self.kind, "font": self.font, "dpi": self.dpi, "applied": self.applied,
            "lines": [{"text": line.text, "role": line.role, "vertical": line.vertical,
                       "polygon": np.round(np.asarray(line.polygon, float), 2).tolist(),
                       "chars": [[c[0], *(round(float(v), 2) for v in c[1:])] for c in line.chars]} for line in self.lines],
            "regions": [{"kind": kind, "polygon": np.round(np.asarray(p, float), 2).tolist()} for kind, p in self.regions],
        }, ensure_ascii=False)
