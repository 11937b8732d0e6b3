"""Measures a liveness model beside its teachers: drawn scenes of people that training never saw, and named real pictures.

python3 models/training/face/liveness/evaluate.py --onnx FILE --teachers minifasnet_v2_2.7.onnx minifasnet_v1se_4.0.onnx --data DIR
    [--scenes 1200] [--detector yunet_n_dynamic.onnx --pictures FILE ...]

DIR holds what data.py wrote for lfw-dev. Printed, as in ISO/IEC 30107-3: APCER, the share of a kind of attack taken for live, and BPCER, the
share of live pictures taken for attacks. The attacks are simulated, by the program that drew the training's: this favours the student.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

from recapture import KINDS, LIVE
from scenes import SCALE, Scenes, crop, judge, softmax, tensor

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from data import detect
from runtime import Session

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def score(student, picture, box):
    return float(softmax(student.run({"input": tensor(crop(picture, box, SCALE)[None])})["output"])[0, LIVE])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--teachers", type=pathlib.Path, nargs=2, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--scenes", type=int, default=1200)
    parser.add_argument("--detector", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, nargs="*", default=[])
    args = parser.parse_args()
    cv2.setNumThreads(1)
    student, teachers = Session(args.onnx), [Session(p) for p in args.teachers]
    scenes, rows, spent = Scenes(args.data, None), [], []
    for k in range(args.scenes):
        kind = k % (len(KINDS) + 3) - 3              # a third live
        picture, box, _ = scenes.draw(np.random.default_rng([13, k]), max(kind, -1))
        rows.append((max(kind, -1), score(student, picture, box), judge(teachers, picture, box)))
        spent.append(1000 * student.elapsed)
    kinds, ours, theirs = np.array(rows).T
    for name, live in (("this model", ours), ("the two teachers", theirs)):
        print(f"{name}, at thresholds {THRESHOLDS}, in %:")
        for k in range(-1, len(KINDS)):
            chosen = live[kinds == k]
            what = f"BPCER, live ({len(chosen)})" if k < 0 else f"APCER, {KINDS[k]} ({len(chosen)})"
            print(f"  {what}: " + " / ".join(f"{100 * np.mean((chosen > t) != (k < 0)):.1f}" for t in THRESHOLDS))
        ahead = np.mean(live[kinds < 0][:, None] > live[kinds >= 0][None])
        print(f"  area under the curve {ahead:.4f}")
    print(f"time of a run, one thread: median {np.median(spent):.2f} ms")
    if args.detector:
        detector = Session(args.detector)
        for path in args.pictures:
            picture = cv2.imread(str(path))
            faces = detect(detector, picture[None], 0.6)[0]
            box = faces[np.argmax(faces[:, 3] * faces[:, 4])][1:5]
            print(f"{path.name}: live {score(student, picture, box):.3f}, the two teachers {judge(teachers, picture, box):.3f}")


if __name__ == "__main__":
    main()
