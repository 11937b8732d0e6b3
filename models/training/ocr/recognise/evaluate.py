"""Measures a line recogniser on held-out texts, beside PP-OCR mobile v2, in one harness.

python3 models/training/ocr/recognise/evaluate.py --onnx text-recognise.onnx --atlas OUT/atlas [--data DATA] [--pages DIR ...]
    [--teacher ppocr_mobile_v2_rec.onnx --keys ppocr_keys.txt]

Printed: character error rate (CER, edits / characters) and lines read exactly by font, size and strength of degradation on drawn lines,
and on the lines of evaluation pages (`evalset.py`), cut out by their true outlines plus 8 % of their height; the overlap of character
boxes with the ink; calibration (expected calibration error in 15 bins); the time a run takes.
Comparisons with the teacher fold full-width punctuation and leave out spaces, which it treats otherwise, and count only lines whose
characters it knows.
"""
import argparse
import json
import pathlib
import sys

import cv2
import numpy as np
import torch

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[i]) for i in (1, 2)]
import corpus
from crops import crop, truth as truth_of
from export import numeric
from fonts import CHARSET, FONTS, HELD_OUT, TRAIN
from lines import HEIGHT, Line, Renderer
from net import STRIDE, decode, settled
from runtime import Session
from train import distance, pack

SIZES = (11, 12, 14, 16, 18, 20, 24, 28, 32, 40)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
FOLD = str.maketrans("，：；！？（）％￥", ",:;!?()%¥", " ")


def page_lines(folder):
    """Horizontal lines of the evaluation pages in a folder -> [(Line, font, names of degradations)]."""
    found = []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        picture = next(p for p in (path.with_suffix(s) for s in (".jpg", ".png")) if p.exists())
        page = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
        for line in truth["lines"]:
            if line.get("vertical") or not line["chars"]:
                continue
            image, matrix = crop(page, line["polygon"])
            known = truth_of(line["text"], line["chars"], matrix)
            if known:
                found.append((Line(image, *known), truth["font"], truth["applied"]))
    return found


class Student:
    def __init__(self, path, threads=1):
        self.session, self.elapsed = Session(numeric(path), threads), 0.0

    def read(self, lines):
        """-> for each line [(character, probability, box [4] in pixels)]."""
        order, answers = np.argsort([line.image.shape[1] for line in lines], kind="stable"), [None] * len(lines)
        for k in range(0, len(order), 16):
            batch = [lines[i] for i in order[k:k + 16]]
            out = self.session.run({"x": pack(batch)[:, None].astype(np.float32) / 127.5 - 1})
            self.elapsed += self.session.elapsed
            raw = (torch.from_numpy(out[n]) for n in ("scores", "classes", "boxes"))
            scores, classes = (v.numpy() for v in settled(*raw, len(CHARSET)))
            for i, sure, best, boxes in zip(order[k:k + 16], scores, classes, out["boxes"]):
                answers[i] = spell(sure[:, 0], best[:, 0].astype(int), boxes)
        return answers


def spell(sure, best, boxes):
    """Greedy reading; a character's probability and box come from the surest frame of its run."""
    found = []
    for c, t in decode(best):
        end = t
        while end + 1 < len(best) and best[end + 1] == c:
            end += 1
        t += int(sure[t:end + 1].argmax())
        left, top, right, bottom = boxes[t]
        found.append((CHARSET[c - 1], float(sure[t]), np.array([(left + t + 0.5) * STRIDE, top * HEIGHT, (right + t + 0.5) * STRIDE, bottom * HEIGHT])))
    return found


class Teacher:
    """PP-OCR: BGR in -1..1, probabilities out, the space as last class."""

    def __init__(self, path, keys):
        self.session, self.elapsed = Session(path), 0.0
        self.keys = pathlib.Path(keys).read_text(encoding="utf-8").splitlines() + [" "]

    def read(self, lines):
        order, answers = np.argsort([line.image.shape[1] for line in lines], kind="stable"), [None] * len(lines)
        for k in range(0, len(order), 16):
            x = pack([lines[i] for i in order[k:k + 16]])[:, None].astype(np.float32) / 127.5 - 1
            out = self.session.run({"input": np.repeat(x, 3, 1)})["out"].argmax(2)
            self.elapsed += self.session.elapsed
            for i, row in zip(order[k:k + 16], out):
                answers[i] = [(self.keys[c - 1], 1.0, None) for c, _ in decode(row)]
        return answers


def score(lines, answers, fold=False):
    """-> CER in percent, share of lines read exactly in percent."""
    wrong = total = exact = 0
    for line, answer in zip(lines, answers):
        text, said = line.text, "".join(c for c, *_ in answer)
        if fold:
            text, said = text.translate(FOLD), said.translate(FOLD)
        d = distance(said, text)
        wrong, total, exact = wrong + d, total + len(text), exact + (d == 0)
    return 100 * wrong / max(1, total), 100 * exact / max(1, len(lines))


def aligned(said, text):
    """Pairs (index in said, index in text or -1) along a cheapest edit path; text's deleted characters have no pair."""
    n, m = len(said), len(text)
    cost = np.zeros((n + 1, m + 1), int)
    cost[:, 0], cost[0] = np.arange(n + 1), np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost[i, j] = min(cost[i - 1, j - 1] + (said[i - 1] != text[j - 1]), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    i, j, pairs = n, m, []
    while i:
        if j and cost[i, j] == cost[i - 1, j - 1] + (said[i - 1] != text[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((i, -1))
        else:
            j -= 1
    return pairs[::-1]


def detail(lines, answers):
    """Probability, correctness and box overlap of every character read."""
    sure, right, overlaps = [], [], []
    for line, answer in zip(lines, answers):
        for i, j in aligned("".join(c for c, *_ in answer), line.text):
            c, p, box = answer[i]
            good = j >= 0 and c == line.text[j]
            sure.append(p)
            right.append(good)
            if good and c != " ":
                t = line.boxes[j]
                common = max(0, min(box[2], t[2]) - max(box[0], t[0])) * max(0, min(box[3], t[3]) - max(box[1], t[1]))
                union = (box[2] - box[0]) * (box[3] - box[1]) + (t[2] - t[0]) * (t[3] - t[1]) - common
                overlaps.append(common / max(union, 1e-6))
    return np.array(sure), np.array(right), np.array(overlaps)


def calibration_error(sure, right, bins=15):
    which = np.minimum((sure * bins).astype(int), bins - 1)
    return 100 * sum(abs(sure[which == b].mean() - right[which == b].mean()) * (which == b).mean() for b in range(bins) if (which == b).any())


def reliability(sure, right):
    edges = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01)
    bins = [(a, b, (sure >= a) & (sure < b)) for a, b in zip(edges, edges[1:])]
    return ", ".join(f"{a:.2f}-{min(b, 1):.2f}: {100 * right[m].mean():.1f} % of {m.sum()}" for a, b, m in bins if m.any())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--atlas", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--pages", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--teacher", type=pathlib.Path)
    parser.add_argument("--keys", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200, help="lines for each row of the tables")
    args = parser.parse_args()
    if args.data:
        corpus.use(args.data)
    say = lambda text: print(text, flush=True)
    student = Student(args.onnx)
    teacher = Teacher(args.teacher, args.keys) if args.teacher else None
    known = set(teacher.keys) if teacher else set()
    # Every style of the training fonts, and both held-out fonts.
    shown = HELD_OUT + [f for f in FONTS if f in TRAIN and f.name in ("noto-sans-sc-regular", "noto-sans-sc-thin", "noto-sans-sc-black", "noto-serif-sc-regular",
                                                                      "noto-serif-sc-black", "wqy-zenhei", "ukai-cn", "uming-cn", "cwtex-fangsong", "cwtex-yuan")]
    renderer = Renderer(args.atlas, "held", shown)

    def draw(font, count, seed, rare=False, **how):
        """Lines of running text, numbers, names and cells; or, `rare`, of the font's characters with equal chance."""
        rng = np.random.default_rng(seed)
        sampler = corpus.Sampler(rng, "held")
        kinds = [lambda: sampler.line(int(rng.integers(8, 30)))] * 6 + [sampler.number, sampler.number, sampler.name, sampler.cell, sampler.company]
        lines = []
        for _ in range(count):
            pool = renderer.covered[font.name]
            text = "".join(pool[i] for i in rng.integers(len(pool), size=12)) if rare else sampler.pick(kinds)()
            text = " ".join(corpus.normalise(text).split()) or "一"
            lines.append(renderer.line(rng, sampler, font=font, text=text, **{k: v(rng) if callable(v) else v for k, v in how.items()}))
        return lines

    usual = lambda rng: float(rng.uniform(16, 40))

    def read(lines):
        return lines, student.read(lines), teacher.read(lines) if teacher else None

    def row(name, lines, answers, others, chosen=None):
        if chosen is not None:
            lines, answers, others = ([v[i] for i in chosen] if v else v for v in (lines, answers, others))
        cer, exact = score(lines, answers)
        text = f"| {name} | {sum(len(line.text) for line in lines)} | {cer:.2f} | {exact:.1f} |"
        if teacher:
            both = [i for i, line in enumerate(lines) if set(line.text.translate(FOLD)) <= known]
            some = [lines[i] for i in both]
            text += "".join(f" {score(some, [v[i] for i in both], True)[0]:.2f} |" for v in (answers, others))
        say(text)

    say("by font, strength 0.5, 16 to 40 px per em: name, characters, CER %, lines exact %" + (", CER folded, teacher's" if teacher else ""))
    held = []
    for font in shown:
        lines = draw(font, args.count, 11, strength=0.5, pixels=usual)
        row(font.name + (" (held out)" if font in HELD_OUT else ""), *read(lines))
        held += lines if font in HELD_OUT else []
    say("every character with equal chance")
    for font in HELD_OUT:
        row(font.name, *read(draw(font, args.count, 11, rare=True, strength=0.5, pixels=usual)))
    say("by size, held-out fonts, strength 0.5")
    for size in SIZES:
        row(f"{size} px", *read([line for font in HELD_OUT for line in draw(font, args.count // 2, 12, strength=0.5, pixels=float(size))]))
    say("by strength, held-out fonts, 16 to 40 px")
    for strength in STRENGTHS:
        row(f"{strength}", *read([line for font in HELD_OUT for line in draw(font, args.count // 2, 13, strength=strength, pixels=usual)]))
    groups = [("drawn lines", held, student.read(held))]
    for folder in args.pages:
        rows = page_lines(folder)
        say(f"lines of pages, {folder.name}")
        results = read([line for line, *_ in rows])
        row("all", *results)
        for font in sorted({f for _, f, _ in rows}):
            row(font, *results, [i for i, r in enumerate(rows) if r[1] == font])
        for name in sorted({name for _, _, applied in rows for name in applied}):
            row("with " + name, *results, [i for i, r in enumerate(rows) if name in r[2]])
        groups.append((folder.name, *results[:2]))
    for name, lines, answers in groups:
        sure, right, overlaps = detail(lines, answers)
        say(f"calibration and boxes, {name}: expected calibration error {calibration_error(sure, right):.2f} %; boxes' mean IoU {overlaps.mean():.4f}, "
            f"a tenth below {np.percentile(overlaps, 10):.3f}; right among those of a confidence: {reliability(sure, right)}")
    lines = [line for line in draw(HELD_OUT[0], 400, 14, strength=0.5, pixels=usual) if len(line.text) > 10]
    for threads in (1, 2):
        timed = Student(args.onnx, threads)
        timed.read(lines)
        timed.elapsed = 0
        timed.read(lines)
        say(f"time, {threads} threads: {1000 * timed.elapsed / sum(len(line.text) for line in lines):.3f} s for 1,000 characters ({sum(len(line.text) for line in lines)} read)")


if __name__ == "__main__":
    main()
