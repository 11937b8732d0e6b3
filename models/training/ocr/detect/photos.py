"""Picks photographs without text from a folder or tar archive, as backgrounds for the scenes of data.py.

python3 models/training/ocr/detect/photos.py --photos lfw-train.tar --onnx ppocrv3_det.onnx --out PHOTOS [--count 600] [--seed 1]

A photograph is kept where a published detector finds nothing, twice enlarged: text on banners and shirts would otherwise be taught as
background. It only chooses; none of its answers is learnt from.
"""
import argparse
import pathlib
import sys
import tarfile

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import kernels
from evaluate import PEER, probability
from runtime import Session

LENIENT = {**PEER, "pixel": 0.25, "box": 0.4}      # rather lose a photograph than keep one with text


def pictures(path):
    """-> list of (name, function that gives the file's bytes)."""
    if path.is_dir():
        return [(p.name, p.read_bytes) for p in sorted(path.iterdir()) if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
    archive = tarfile.open(path)
    return [(pathlib.Path(m.name).name, lambda m=m: archive.extractfile(m).read()) for m in archive.getmembers() if m.name.lower().endswith((".jpg", ".jpeg", ".png"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    listed = pictures(args.photos)
    order = np.random.default_rng(args.seed).permutation(len(listed))
    kept = seen = 0
    with Session(args.onnx) as session:
        for i in order:
            if kept == args.count:
                break
            name, read = listed[i]
            data = read()
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                continue
            seen += 1
            chart, _ = probability(session, image, 2 * max(image.shape))
            if not kernels.boxes(chart, **LENIENT):
                (args.out / name).write_bytes(data)
                kept += 1
    print(f"kept {kept} of {seen} photographs")


if __name__ == "__main__":
    main()
