"""Finds what a half-trained detector takes for faces in the training pictures (hands, ties, microphones), to teach it better.

python3 models/training/face/detect/mine.py --onnx FILE --data DIR [--least 0.35]

DIR is what data.py wrote; written there, added to what was found before: hard.npy, float32 [K, 5] of picture and box x y w h, which mosaic.py then pastes as it
pastes faces. Train for the first third, export, mine, and resume the training with the same --out.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from data import detect, overlap
from runtime import Session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--least", type=float, default=0.35)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures, faces, found = np.load(args.data / "pictures.npy", mmap_mode="r"), np.load(args.data / "faces.npy"), []
    with Session(args.onnx) as session:
        for start in range(0, len(pictures), 200):
            for i, rows in enumerate(detect(session, pictures[start:start + 200], args.least), start):
                known = faces[faces[:, 0] == i][:, 2:6]
                found += [[i, *row[1:5]] for row in rows if not np.any(overlap(row[1:5], known) > 0.1)]
            print(f"{start + 200}: {len(found)} places", flush=True)
    hard = args.data / "hard.npy"
    before = np.load(hard) if hard.exists() else np.zeros((0, 5), np.float32)
    np.save(hard, np.concatenate([before, np.array(found, np.float32).reshape(-1, 5)]))


if __name__ == "__main__":
    main()
