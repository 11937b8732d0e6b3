"""Writes how frequent each character is, for the order of homophones (speech/syllable/characters.txt).

    python3 models/training/speech/language/characters.py --texts WORK/text --out speech/syllable/characters.txt

The frequency is the mean over the kinds of text of the character's share there, so that statutes, which are most of the text, don't
decide alone. The simplified characters of GB 2312 that no text has follow with 0; others that no text has are left out.
"""
import argparse
import collections
import pathlib

KINDS = ("statutes", "cases", "news", "conversation", "transcripts")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    share = collections.Counter()
    for kind in KINDS:
        counts = collections.Counter(c for c in (args.texts / f"{kind}.train.txt").read_text("utf-8") if "\u4e00" <= c <= "\u9fff" or c == "〇")
        total = sum(counts.values())
        for c, n in counts.items():
            share[c] += n / total / len(KINDS)
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                share[bytes([row, cell]).decode("gb2312")] += 0
            except UnicodeDecodeError:
                continue
    rows = sorted(share.items(), key=lambda r: (-r[1], r[0]))
    args.out.write_text("".join(f"{c}\t{1e6 * s:.2f}\n" for c, s in rows), "utf-8")
    print(f"{len(rows)} characters, {sum(s > 0 for _, s in rows)} of them in the texts")


if __name__ == "__main__":
    main()
