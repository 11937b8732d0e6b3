"""Texts as the language model sees them: classes of characters, runs of digits and of Latin letters as one class each.

Which digit or letter stands somewhere is never the language model's to say, so a run of them is one mark; blanks, which a page
sets as it likes, are left out. Breaks stand between paragraphs and wherever a page's line cannot be joined to its neighbour.
"""
import pathlib
import re
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import corpus  # noqa: E402
from fonts import CHARSET  # noqa: E402

UNKNOWN, BREAK, DIGITS, LETTERS = range(4)
MARKS = 4
_RUNS = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[A-Za-z]+|\s+")

CHARS = [c for c in CHARSET if not (c.isspace() or c.isascii() and c.isalnum())]
"""The characters with a class of their own; the class of CHARS[i] is i + MARKS."""
_CLASS = {c: i + MARKS for i, c in enumerate(CHARS)}
CLASSES = len(CHARS) + MARKS


def classes(text):
    """-> the classes of `text`."""
    text = _RUNS.sub(lambda m: "\0" if m[0][0].isdigit() else "\1" if m[0][0].isalpha() else "", text)
    return [DIGITS if c == "\0" else LETTERS if c == "\1" else _CLASS.get(c, UNKNOWN) for c in text]


def stream(paragraphs):
    """-> int16 [N]: the classes of all paragraphs, one after another, a break between them."""
    out = [BREAK]
    for paragraph in paragraphs:
        out += classes(paragraph)
        out.append(BREAK)
    return np.array(out, np.int16)


def streams(split, folder):
    """-> (statutes, cases), int16 [N] each, of "train" or "held"; kept in `folder`, because reading them takes a minute."""
    out = []
    for kind in ("statutes", "cases"):
        kept = folder / f"{split}-{kind}.npy"
        if not kept.exists():
            folder.mkdir(parents=True, exist_ok=True)
            np.save(kept, stream(corpus.split(split)[kind]))
        out.append(np.load(kept))
    return out
