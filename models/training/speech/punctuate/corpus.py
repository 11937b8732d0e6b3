"""Makes what the punctuator learns from: characters without marks, and the mark behind each.

    python3 models/training/speech/language/texts.py --data DATA --out WORK/text
    python3 models/training/speech/punctuate/corpus.py --texts WORK/text --out WORK/punctuate

Reads KIND.train.txt and KIND.held.txt (a paragraph a line; texts.py says how the tenth was held out) and writes KIND.train.npz
(ids, marks), the list of characters tokens.txt, and the held-out paragraphs as KIND.held.txt, in spoken words with full-width marks, on which
`courtsense eval punctuation` measures. Training paragraphs that repeat held-out ones are left out.
"""
import argparse
import collections
import pathlib
import random
import re

import numpy as np

MARKS = "，。？！：；、"
"""Class 0 is no mark; class i is MARKS[i-1]."""
SPECIAL = ["<out>", "<unknown>"]
"""Id 0 lies outside of the text, before its begin and behind its end; id 1 is a character that is not in the list."""
KINDS = ("cases", "conversation", "news", "statutes")
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--statutes", type=float, default=.35, help="share of the statutes' paragraphs that is taken")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng, seen = random.Random(1), set()
    for kind in KINDS:
        with open(args.out / f"{kind}.held.txt", "w", encoding="utf-8") as out:
            for line in open(args.texts / f"{kind}.held.txt", encoding="utf-8"):
                text = clean(line.strip(), rng)
                characters, classes = label(text)
                # Fragments without a mark, and lists, say nothing about punctuation.
                if len(characters) < 10 or max(classes) <= 0:
                    continue
                out.write(spoken(text, rng) + "\n")
                seen.update(runs(characters))
    counts, texts = collections.Counter(), {}
    for kind in KINDS:
        texts[kind], dropped = [], 0
        for line in open(args.texts / f"{kind}.train.txt", encoding="utf-8"):
            if kind == "statutes" and rng.random() > args.statutes:
                continue
            text = clean(line.strip(), rng)
            bare, classes = label(text)
            if len(bare) < 10 or max(classes) <= 0:
                continue
            shared = runs(bare)
            if kind != "statutes" and sum(r in seen for r in shared) > len(shared) / 10:
                dropped += 1
                continue
            # Most are as they are said; the rest keep their digits, because Punctuate also takes written text.
            pair = label(spoken(text, rng)) if rng.random() < .75 else (bare, classes)
            texts[kind].append(pair)
            counts.update(pair[0])
        print(f"{kind}: {len(texts[kind])} paragraphs, {sum(len(c) for c, _ in texts[kind])} characters; {dropped} left out, because held-out texts have them too")
    tokens = SPECIAL + sorted(c for c, n in counts.items() if n >= 3)
    ids = {c: i for i, c in enumerate(tokens)}
    (args.out / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    for kind, pairs in texts.items():
        rng.shuffle(pairs)
        np.savez(args.out / f"{kind}.train.npz", ids=np.array([ids.get(c, 1) for p in pairs for c in p[0]], np.int16),
                 marks=np.array([m for p in pairs for m in p[1]], np.int8), lengths=np.array([len(p[0]) for p in pairs], np.int32))
    print(len(tokens), "characters in the list")


if __name__ == "__main__":
    main()
