"""Takes whole training pictures on which `quantise.py` measures the ranges of the detector's activations.

python3 models/training/ocr/detect/samples.py --pool OUT --out pages.npz [--count 16] [--seed 77]
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from net import MEAN, MULTIPLE, STD

SIDES = (640, 960, 1280)         # of the longer side: what the server runs the detector at lies between


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=77)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    samples = []
    for path in rng.choice(sorted(args.pool.glob("*.jpg")), args.count, replace=False):
        picture = cv2.imread(str(path))
        scale = SIDES[rng.integers(len(SIDES))] / max(picture.shape[:2])
        height, width = (max(1, round(v * scale / MULTIPLE)) * MULTIPLE for v in picture.shape[:2])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        samples.append(((picture / 255 - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None])
    np.savez(args.out, *samples)


if __name__ == "__main__":
    main()
