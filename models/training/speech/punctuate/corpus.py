"""Makes what the punctuator learns from: characters without marks, and the mark behind each.

    python3 models/training/speech/language/texts.py --data DATA --out WORK/text
    python3 models/training/speech/punctuate/corpus.py --data DATA --texts WORK/text --dictionary /usr/lib/python3/dist-packages/jieba/dict.txt \
        --out WORK/punctuate

Reads KIND.train.txt and KIND.held.txt (a paragraph a line; texts.py says how the tenth was held out) and a dictionary (word, count and kind a line:
that of the package python3-jieba), of which words that are found here stay. Writes KIND.npz (ids, words, places, marks and lengths), the lists of
characters (tokens.txt) and words (words.txt), dev.npz and dev.txt (sixteen stretches of cases that are not trained on, to choose settings by), and
the held-out paragraphs as KIND.held.txt, in spoken words with full-width marks, on which `courtsense eval punctuation` measures. Training
paragraphs that repeat held-out ones are left out. Judicial interpretations are a kind of their own, and published cases count among the cases.
"""
import argparse
import collections
import math
import pathlib
import random
import re
import sys
import tarfile

import numpy as np

from words import NEVER, Words, kind as kind_of_word

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "language"))
from texts import paragraphs  # noqa: E402

MARKS = "，。？！：；、"
"""Class 0 is no mark; class i is MARKS[i-1]."""
SPECIAL = ["<out>", "<unknown>"]
"""Id 0 lies outside of the text, before its begin and behind its end; id 1 is a character that is not in the list."""
KINDS = ("cases", "conversation", "news", "judicial", "statutes")
SOURCES = {"judicial": "司法解释", "cases": "案例"}
"""Folders of the archive of laws whose paragraphs are of these kinds."""
RUN = 20
"""A training paragraph that shares more than a tenth of its runs of so many characters with held-out ones is left out."""

WIDE = str.maketrans(",;:?!", "，；：？！")
DIGITS = "零一二三四五六七八九"
HAN = "\u4e00-\u9fff"


def read(number):
    """A number below 10^16 in words."""
    if number == 0:
        return "零"
    groups, words = [], ""
    while number:
        number, rest = divmod(number, 10000)
        groups.append(rest)
    for i in range(len(groups) - 1, -1, -1):
        group, text, gap = groups[i], "", False
        for j, unit in ((3, "千"), (2, "百"), (1, "十"), (0, "")):
            digit = group // 10 ** j % 10
            if digit:
                text += ("零" if gap and text else "") + DIGITS[digit] + unit
                gap = False
            else:
                gap = True
        if group:
            if words and group < 1000:
                words += "零"
            words += text + ["", "万", "亿", "万亿"][i]
    return re.sub("^一十", "十", words)


def digits(text, one="一"):
    return "".join(one if d == "1" else DIGITS[int(d)] for d in text)


def spoken(text, rng):
    """The text with its numbers as one says them."""
    def plain(match):
        whole, fraction = match.group(1).replace(",", ""), match.group(2)
        if len(whole) >= 8 or whole.startswith("0") and len(whole) > 1:
            words = digits(whole, "幺" if rng.random() < .5 else "一")
        else:
            words = read(int(whole))
        return words + ("点" + digits(fraction) if fraction else "")
    number = r"(\d+(?:,\d{3})*)(?:\.(\d+))?"
    text = re.sub(r"(\d{4})(?=年)", lambda m: digits(m.group(1)), text)
    text = re.sub(number + "[%％]", lambda m: "百分之" + plain(m), text)
    return re.sub(number, plain, text)


def clean(paragraph, rng):
    """The paragraph with full-width marks and without brackets, quotes and blanks, which nobody says."""
    text = paragraph.replace("PER", rng.choice(["张某", "李某某", "王三", "赵某", "刘某甲"])).replace("TIME", rng.choice(["某日", "当天", "某年某月"]))
    text = re.sub(r"[（(][^（()）]{0,60}[)）]", "", text)
    text = re.sub(r"^[0-9一二三四五六七八九十]{1,3}[、.．]\s*", "", text)
    text = re.sub(rf"(?<=[{HAN}A-Za-z0-9”》）)])\s*[,;:?!](?!\d{{3}}\D)", lambda m: m.group(0).strip().translate(WIDE), text)
    text = re.sub(rf"(?<=[{HAN}])[.．](?=[{HAN}]|$)", "。", text)
    text = re.sub(r"(?<=\d)[.．](?=[^\d])", "、", text)
    text = re.sub("…+|—+", "，", text)
    return re.sub(rf"[^{HAN}A-Za-z0-9.%％,{MARKS}]", "", text)


def label(text):
    """(characters, classes): the first mark behind each character counts; -1 at an end without a mark, which says nothing."""
    characters, classes = [], []
    for c in text:
        if c in MARKS:
            if classes and classes[-1] == 0:
                classes[-1] = MARKS.index(c) + 1
        elif c.isalnum():
            characters.append(c.lower())
            classes.append(0)
    if classes and classes[-1] == 0:
        classes[-1] = -1
    return characters, classes


def runs(characters):
    text = "".join(characters)
    return [text[i:i + RUN] for i in range(max(1, len(text) - RUN + 1))]


def paragraphs_of(archive, folder):
    """The paragraphs of a folder of the archive of laws."""
    with tarfile.open(archive) as tar:
        return {p for member in tar if member.name.endswith(".md") and f"/{folder}/" in "/" + member.name
                for p in paragraphs(tar.extractfile(member).read().decode("utf-8", "ignore"))}


def dictionary(path, terms):
    """{word: (kind, count)} of a dictionary's Chinese words, and of legal terms; numerals are left out, so that they are read digit by digit."""
    entries = {}
    for line in open(path, encoding="utf-8"):
        word, count, tag = line.split()
        if re.fullmatch(f"[{HAN}]{{1,7}}", word) and not (len(word) > 1 and set(word) <= set("零一二三四五六七八九十百千万亿点幺两〇")):
            entries[word] = kind_of_word(tag), int(count) + 1
    for line in open(terms, encoding="utf-8"):
        word = line.split("\t")[0].strip()
        if re.fullmatch(f"[{HAN}]{{2,7}}", word):
            entries.setdefault(word, (kind_of_word("n"), 3))
    return entries


def list_words(pairs, entries):
    """The words that are found, with their costs: counted in texts cut by the dictionary's counts."""
    total = sum(n for _, n in entries.values())
    cutter = Words({w: (k, -math.log(n / total)) for w, (k, n) in entries.items()})
    counts = collections.Counter()
    for kind in KINDS:
        for characters, _ in pairs[kind][::3 if kind == "statutes" else 1]:
            counts.update(cutter.cut("".join(characters)))
    found = {w: n for w, n in counts.most_common() if w in entries and (n >= 4 or len(w) == 1)}
    total = sum(found.values())
    return Words({w: (entries[w][0], round(-100 * math.log((n + .5) / total)) / 100) for w, n in found.items()})


def straddled(words, pairs):
    """The words inside which marks stand again and again: two words that are often neighbours of a list."""
    seen, split = collections.Counter(), collections.Counter()
    for kind in KINDS[:-1]:
        for characters, classes in pairs[kind]:
            at = 0
            for w in words.cut("".join(characters)):
                if len(w) > 1:
                    seen[w] += 1
                    split[w] += sum(c > 0 for c in classes[at:at + len(w) - 1])
                at += len(w)
    return {w for w, n in split.items() if n >= 2 and n > seen[w] / 5}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--dictionary", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--statutes", type=float, default=.4, help="share of the statutes' paragraphs that is taken")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng, seen = random.Random(1), set()
    for kind in ("cases", "conversation", "news", "statutes"):
        with open(args.out / f"{kind}.held.txt", "w", encoding="utf-8") as out:
            for line in open(args.texts / f"{kind}.held.txt", encoding="utf-8"):
                text = clean(line.strip(), rng)
                characters, classes = label(text)
                # Fragments without a mark, and lists, say nothing about punctuation.
                if len(characters) < 10 or max(classes) <= 0:
                    continue
                out.write(spoken(text, rng) + "\n")
                if kind != "statutes":
                    seen.update(runs(characters))
                    seen.update(runs(label(spoken(text, rng))[0]))
    raw = {kind: [line.strip() for line in open(args.texts / f"{kind}.train.txt", encoding="utf-8")] for kind in ("cases", "conversation", "news")}
    n = len(raw["cases"])
    chosen = {i for b in range(16) for i in range(int((b + .5) * n / 16), int((b + .5) * n / 16) + n // 400)}
    raw["dev"] = [p for i, p in enumerate(raw["cases"]) if i in chosen]
    raw["cases"] = [p for i, p in enumerate(raw["cases"]) if i not in chosen]
    raw["judicial"], raw["statutes"] = [], []
    folders = {kind: paragraphs_of(args.data / "text" / "laws.tar.xz", folder) for kind, folder in SOURCES.items()}
    for line in open(args.texts / "statutes.train.txt", encoding="utf-8"):
        kind = next((k for k, known in folders.items() if line.strip() in known), "statutes")
        if kind != "statutes" or rng.random() < args.statutes:
            raw[kind].append(line.strip())
    pairs = {}
    for kind in ("dev",) + KINDS:
        pairs[kind], dropped = [], 0
        for paragraph in raw[kind]:
            text = clean(paragraph, rng)
            bare, classes = label(text)
            if len(bare) < 10 or max(classes) <= 0:
                continue
            shared = runs(bare)
            if kind not in ("statutes", "judicial") and sum(r in seen for r in shared) > len(shared) / 10:
                dropped += 1
                continue
            if kind == "dev":
                seen.update(shared)
            # Most are as they are said; the rest keep their digits, because Punctuate also takes written text.
            pairs[kind].append(label(spoken(text, rng)) if kind == "dev" or rng.random() < .8 else (bare, classes))
        print(f"{kind}: {len(pairs[kind])} paragraphs, {sum(len(c) for c, _ in pairs[kind])} characters; {dropped} left out, because held-out texts have them too")
    counts = collections.Counter(c for kind in KINDS for p in pairs[kind] for c in p[0])
    tokens = SPECIAL + sorted(c for c, n in counts.items() if n >= 3)
    ids = {c: i for i, c in enumerate(tokens)}
    (args.out / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    words = list_words(pairs, dictionary(args.dictionary, args.data / "text" / "legal-terms.txt"))
    never = straddled(words, pairs)
    with open(args.out / "words.txt", "w", encoding="utf-8") as out:
        for w, (k, cost) in words.entries.items():
            out.write(f"{w} {k} {NEVER if w in never else round(100 * cost)}\n")
    words = Words.read(args.out / "words.txt")
    with open(args.out / "dev.txt", "w", encoding="utf-8") as out:
        for characters, classes in pairs["dev"]:
            out.write("".join(c + (MARKS[m - 1] if m > 0 else "") for c, m in zip(characters, classes)) + "\n")
    for kind, kept in pairs.items():
        rng.shuffle(kept)
        features = [words.features("".join(characters)) for characters, _ in kept]
        np.savez(args.out / f"{kind}.npz", ids=np.array([ids.get(c, 1) for p in kept for c in p[0]], np.int16),
                 marks=np.array([m for p in kept for m in p[1]], np.int8), words=np.array([w for f in features for w in f[0]], np.int32),
                 places=np.array([p for f in features for p in f[1]], np.uint8), lengths=np.array([len(p[0]) for p in kept], np.int32))
    print(len(tokens), "characters and", len(words.ids), "words in the lists;", len(never), "words never taken")


if __name__ == "__main__":
    main()
