"""Asks the teacher for the 98 landmarks of every portrait, several times, and keeps the mean.

python3 models/training/face/landmarks/labels.py --data DIR --teacher pfld_ghostone_98pt.onnx --out FILE [--people training]

DIR holds what data.py wrote. FILE (npz) gets, for each portrait, its picture's index, the face box, and the points in picture pixels
[N, 98, 2]: the mean of six answers, to crops shifted, turned and scaled a little, half of them mirrored, which is steadier than one answer;
and that one answer to the plain crop, `single`, with which others are compared.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "embed"))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session
from views import held_out

SIDE = 112
POINTS = 98
# In a mirror point k becomes point MIRROR[k] (the order is that of WFLW).
MIRROR = np.array([*range(32, -1, -1), 46, 45, 44, 43, 42, 50, 49, 48, 47, 37, 36, 35, 34, 33, 41, 40, 39, 38, 51, 52, 53, 54, 59, 58, 57, 56, 55,
                   72, 71, 70, 69, 68, 75, 74, 73, 64, 63, 62, 61, 60, 67, 66, 65, 82, 81, 80, 79, 78, 77, 76, 87, 86, 85, 84, 83,
                   92, 91, 90, 89, 88, 95, 94, 93, 97, 96])
assert (MIRROR[MIRROR] == np.arange(POINTS)).all()


def square(box, rng=None, strength=1.0):
    """The 2x3 transform of a picture to the crop of a face box, made square by its longer side; with `rng`, moved a little."""
    centre, k, angle, at = box[:2] + box[2:4] / 2, SIDE / max(box[2:4]), 0.0, np.full(2, SIDE / 2 - 0.5)
    if rng is not None:
        k, angle, at = k * np.exp(rng.normal(0, 0.05 * strength)), rng.normal(0, 0.08 * strength), at + rng.normal(0, 3 * strength, 2)
    turn = k * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.hstack([turn, (at - turn @ (centre - 0.5))[:, None]])


def locate(session, crops):
    """Points of RGB crops [N,112,112,3], in crop pixels whose centres are integers: float32 [N, 98, 2]."""
    name = "input"
    x = (crops.astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)
    points = np.concatenate([session.run({name: x[i:i + 1]})["output"] for i in range(len(x))])
    return points.reshape(-1, POINTS, 2) * SIDE - 0.5


def carry(points, warp):
    return points @ warp[:, :2].T + warp[:, 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--people", choices=["training", "held-out", "all"], default="training")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures, table = np.load(args.data / "pictures.npy", mmap_mode="r"), np.load(args.data / "faces.npy")
    names = (args.data / "names.txt").read_text().split()
    index, boxes, means, singles = [], [], [], []
    with Session(args.teacher) as session:
        for i, name in enumerate(names):
            rows = table[(table[:, 0] == i) & (table[:, 1] > 0.5)]
            if args.people != "all" and held_out(name) != (args.people == "held-out") or not len(rows):
                continue
            box = min(rows, key=lambda r: np.abs(r[2:4] + r[4:6] / 2 - 125).sum())[2:6].astype(np.float64)
            picture, rng = np.asarray(pictures[i])[:, :, ::-1], np.random.default_rng([3, i])
            warps = [square(box)] + [square(box, rng) for _ in range(5)]
            crops = np.stack([cv2.warpAffine(picture, w, (SIDE, SIDE)) for w in warps])
            crops[3:] = crops[3:, :, ::-1]
            found = locate(session, crops)
            found[3:, :, 0] = SIDE - 1 - found[3:, :, 0]
            found[3:] = found[3:, MIRROR]
            found = np.stack([carry(p, cv2.invertAffineTransform(w)) for p, w in zip(found, warps)])
            index.append(i), boxes.append(box), means.append(found.mean(0)), singles.append(found[0])
            if len(index) % 500 == 0:
                print(f"{len(index)} portraits", flush=True)
    np.savez(args.out, index=np.array(index), box=np.array(boxes), points=np.array(means, np.float32), single=np.array(singles, np.float32))


if __name__ == "__main__":
    main()
