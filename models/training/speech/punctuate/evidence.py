"""Trains the punctuator's table of evidence, with the compiler `cc`.

    /usr/bin/python3 models/training/speech/punctuate/evidence.py --data WORK/punctuate --out models/embedded/punctuate.evidence.bin

Writes the texts as evidence.c reads them: the numbers of words and paragraphs, words, first and last characters and kinds (int32), marks (int8) and
the paragraphs' lengths (int32).
"""
import argparse
import pathlib
import subprocess

import numpy as np

from train import words_of


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=.06)
    parser.add_argument("--drop", type=float, default=.6, help="share of what is found that is left out at each step")
    parser.add_argument("--least", type=int, default=4, help="what was found less often is left out")
    parser.add_argument("--rows", type=int, default=2300000)
    args = parser.parse_args()
    for kind in ("dev", "cases", "conversation", "news", "judicial", "statutes"):
        fields, counts, _ = words_of(args.data / f"{kind}.npz")
        with open(args.data / f"{kind}.bin", "wb") as out:
            np.array([len(fields[0]), len(counts)], np.int32).tofile(out)
            for field, of in zip(fields, (np.int32,) * 4 + (np.int8,)):
                field.astype(of).tofile(out)
            counts.astype(np.int32).tofile(out)
    np.load(args.data / "groups.npy").astype(np.int32).tofile(args.data / "groups.bin")
    program = args.data / "evidence"
    subprocess.run(["cc", "-O3", "-march=native", "-ffast-math", "-o", program, pathlib.Path(__file__).with_name("evidence.c"), "-lm"], check=True)
    subprocess.run([program, args.data, args.out, *(str(v) for v in (args.epochs, args.rate, args.drop, args.least, args.rows))], check=True)


if __name__ == "__main__":
    main()
