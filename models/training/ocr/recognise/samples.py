"""Draws training lines on which `quantise.py` measures the ranges of the recogniser's activations.

python3 models/training/ocr/recognise/samples.py --atlas OUT/atlas --out lines.npz [--count 480] [--seed 77] [--data DATA]
"""
import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import corpus
from lines import Renderer
from train import pack

BATCH = 16


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder of data; default: the environment's COURTSENSE_DATA")
    parser.add_argument("--atlas", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=480)
    parser.add_argument("--seed", type=int, default=77)
    args = parser.parse_args()
    if args.data:
        corpus.use(args.data)
    rng = np.random.default_rng(args.seed)
    # Signs are rare and would widen the ranges of all: a network read 0.2 to 0.6 lines in 100 more of three page sets without them here.
    renderer, sampler = Renderer(args.atlas, "train", signs=0), corpus.Sampler(rng, "train")
    lines = sorted((renderer.line(rng, sampler) for _ in range(args.count)), key=lambda line: line.image.shape[1])
    np.savez(args.out, *((pack(lines[i:i + BATCH])[:, None] / 127.5 - 1).astype(np.float32) for i in range(0, len(lines), BATCH)))


if __name__ == "__main__":
    main()
