"""Sets paragraphs in a column, as a word processor does."""
import re

import numpy as np

from canvas import NEVER_FIRST, NEVER_LAST, han

_UNITS = re.compile(r"[!-~]+| +|.", re.S)


def wrap(text, style, width, indent=0.0):
    """Breaks `text` into lines of at most `width` pixels, the first `indent` shorter. Words of Latin letters stay whole where they can;
    closing punctuation never begins a line, opening brackets never end one."""
    units = []
    for unit in _UNITS.findall(text):
        if len(unit) > 1 and unit[0] != " " and style.width(unit) > 0.6 * width:
            units += list(unit)
        else:
            units.append(unit)
    lines, line, used, room = [], [], 0.0, width - indent
    for unit in units:
        w = style.width(unit)
        if line and used + w > room and not (unit[0] in NEVER_FIRST and used + w - room < 1.5 * style.size):
            if unit == " ":
                continue
            carried = []
            while len(line) > 1 and line[-1] in NEVER_LAST:
                carried.insert(0, line.pop())
            lines.append("".join(line).rstrip())
            line, room = carried, width
            used = sum(style.width(c) for c in carried)
        if not line and unit.isspace():
            continue
        line.append(unit)
        used += w
    if line:
        lines.append("".join(line).rstrip())
    return lines


class Flow:
    """A column from `top` to `bottom` between `left` and `right`; `y` is the top of the next line, `leading` its height."""

    def __init__(self, canvas, left, right, top, bottom, style, leading, justify=False):
        self.canvas, self.left, self.right, self.y, self.bottom = canvas, left, right, top, bottom
        self.style, self.leading, self.justify = style, leading, justify

    @property
    def width(self):
        return self.right - self.left

    def full(self, lines=1):
        return self.y + lines * self.leading > self.bottom

    def skip(self, lines):
        self.y += lines * self.leading

    def _baseline(self, style):
        return self.y + (self.leading - style.size) / 2 + 0.86 * style.size

    def line(self, text, style=None, align="left", indent=0.0, role="body"):
        """One line; `indent` in pixels from the left, or from the right when aligned right."""
        style = style or self.style
        width = style.width(text)
        x = {"left": self.left + indent, "right": self.right - width - indent, "centre": (self.left + self.right - width) / 2}[align]
        if self.y + self.leading <= self.bottom + 1:
            self.canvas.text(max(x, 2), self._baseline(style), text, style, role)
        self.y += self.leading

    def paragraph(self, text, style=None, indent=2.0, role="body"):
        """A paragraph, its first line indented by `indent` characters; returns False when the column is full before its end."""
        style = style or self.style
        first = indent * style.size
        lines = wrap(style.has(text), style, self.width, first)
        for i, text in enumerate(lines):
            if self.full():
                return False
            gaps, start = None, first if i == 0 else 0.0
            slack = self.width - start - style.width(text)
            if self.justify and i + 1 < len(lines) and len(text) > 8 and -1.6 * style.size < slack < 3 * style.size:
                between = np.array([han(a) or han(b) or a == " " for a, b in zip(text, text[1:])] + [False])
                if between.sum() > 4:
                    gaps = between * (slack / between.sum())
            self.canvas.text(self.left + start, self._baseline(style), text, style, role, gaps=gaps)
            self.y += self.leading
        return True

    def title(self, text, style, gap=0.6, role="title"):
        """Centred, larger, with its own height; broken where it is too wide."""
        for part in wrap(style.has(text), style, self.width):
            x = (self.left + self.right - style.width(part)) / 2
            self.canvas.text(x, self.y + style.size, part, style, role)
            self.y += 1.35 * style.size
        self.y += gap * style.size
