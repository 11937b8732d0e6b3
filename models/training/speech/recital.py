"""Has whole articles of statutes read aloud: what `courtsense eval recital` measures on.

python3 models/training/speech/recital.py --data DATA --out DIR [--count 200] [--skip 33] [--seed 1] [--words FILE]

DATA is the folder of data (text/*.tar.xz). Articles whose every sentence was kept out of training are read by the espeak-ng voices that were
kept out as well (see evalset.py), every other one behind the name of its law and its number, as a judge quotes it. Written:

  DIR/000-named-VOICE.wav, DIR/001-bare-VOICE.wav   the reading
  DIR/NAME.txt    the article as it is printed
  DIR/NAME.json   law and number, and whether they were said

With --words the sentences of FILE (16 to 90 characters, Chinese only) are read in place of the articles: what is said behind the name of a
provision and is not its words, and every other one by itself. NAME.txt then holds the sentence.

A run gives the same articles every time, and the same sound with the same espeak-ng. Needs espeak-ng.
"""
import argparse
import hashlib
import json
import pathlib
import random
import re
import tarfile

import evalset

HEAD = re.compile("^(第[一二三四五六七八九十百千零]+条(?:之[一二三四五六七八九十]+)?)[ \u3000]+(.+)$")
READABLE = re.compile("[\u4e00-\u9fff，、：；。“”《》]+")
TITLE = re.compile(r"^# *(.+)$", re.M)
ARCHIVES = ("just-laws.tar.xz", "laws.tar.xz")


def articles(text):
    """Yields (number, words) of a law's Markdown; paragraphs of one article are joined."""
    number, words = None, ""
    for line in text.splitlines():
        line = re.sub(r"[*`>]", "", line).strip()
        m = HEAD.match(line)
        if (m or line.startswith("#") or line.startswith("<")) and number:
            yield number, words
            number = None
        if m:
            number, words = m[1], m[2].replace(" ", "").replace("\u3000", "")
        elif number and line:
            words += re.sub("[ \u3000]", "", line)
    if number:
        yield number, words


def held_out(data):
    """{words: (law, number)} of the articles of 20 to 200 characters that no training saw a sentence of."""
    found = {}
    for archive in ARCHIVES:
        with tarfile.open(data / "text" / archive) as tar:
            for member in tar:
                if not member.name.endswith(".md") or "README" in member.name or "DLC" in member.name:
                    continue
                text = tar.extractfile(member).read().decode("utf-8", "ignore")
                title = TITLE.search(text)
                if not title or not re.fullmatch("[\u4e00-\u9fff、]+", title[1].strip()):
                    continue
                for number, words in articles(text):
                    sentences = [p for p in evalset.pieces(words) if p]
                    if READABLE.fullmatch(words) and 20 <= len(evalset.key(words)) <= 200 and all(map(evalset.is_evaluation, sentences)):
                        found.setdefault(words, (title[1].strip(), number))
    return found


def sentences(path):
    """The sentences of a text that can be read aloud."""
    return [s for s in re.split("[。！？\n]", path.read_text(encoding="utf-8")) if READABLE.fullmatch(s) and 16 <= len(evalset.key(s)) <= 90]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--skip", type=int, default=0, help="articles to leave out first: those that something was tuned on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--words", type=pathlib.Path, help="text whose sentences are read in place of the articles")
    args = parser.parse_args()
    found = held_out(args.data)
    chosen = sorted(found, key=lambda words: hashlib.sha256(f"{args.seed}{words}".encode()).digest())[args.skip:args.skip + args.count]
    read = chosen
    if args.words:
        read = sorted(set(sentences(args.words)), key=lambda s: hashlib.sha256(f"{args.seed}{s}".encode()).digest())[:len(chosen)]
    args.out.mkdir(parents=True, exist_ok=True)
    voices = evalset.voices()
    for i, (words, article) in enumerate(zip(read, chosen)):
        law, number = found[article]
        voice, named = voices[i % len(voices)], i % 2 == 0
        name = f"{i:03d}-{'named' if named else 'bare'}-{voice}"
        said = f"根据{law}{number}，{words}" if named else words
        evalset.read_aloud(random.Random(f"{args.seed}-{i}"), said, args.out / f"{name}.wav", voice)
        (args.out / f"{name}.txt").write_text(words + "\n", encoding="utf-8")
        (args.out / f"{name}.json").write_text(json.dumps({"law": law, "number": number, "named": named}, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(chosen)} of {len(found)} articles, {len(voices)} voices")


if __name__ == "__main__":
    main()
