"""Compares a landmark model with its teacher on people that training never saw.

python3 models/training/face/landmarks/evaluate.py --onnx FILE --teacher pfld_ghostone_98pt.onnx --data DIR --labels FILE [--count 400]

DIR holds what data.py wrote for lfw-dev and FILE what labels.py wrote for it (`--people all`). The truth is the mean of the teacher's six
answers; `single` is one answer of the teacher itself. Errors are mean distances in distances of the outer eye corners.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

from labels import SIDE, carry, locate, square

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session

# Corner, corner, then pairs of upper and lower points.
EYES = {"right": (60, 64, (61, 67), (62, 66), (63, 65)), "left": (68, 72, (69, 75), (70, 74), (71, 73))}
MOUTH = (88, 92, (89, 95), (90, 94), (91, 93))


def aspect(points, shape):
    """Mean distance of the pairs over the distance of the corners (the eye aspect ratio of Soukupova and Cech, 2016), [N]."""
    gap = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in shape[2:]], 0)
    return gap / np.linalg.norm(points[:, shape[0]] - points[:, shape[1]], axis=1)


def pose(points):
    """Yaw, as the nose tip's place between the outer eye corners, and pitch, as its place between eyes and mouth, both 0 to 1;
    roll in degrees: proxies in which two sets of points are compared, [N, 3]."""
    right, left, nose, mouth = points[:, 60], points[:, 72], points[:, 54], points[:, 76:88].mean(1)
    across, down = left - right, mouth - (left + right) / 2
    yaw = ((nose - right) * across).sum(1) / (across ** 2).sum(1)
    pitch = ((nose - (left + right) / 2) * down).sum(1) / (down ** 2).sum(1)
    return np.stack([yaw, pitch, np.degrees(np.arctan2(across[:, 1], across[:, 0]))], 1)


def compare(name, found, truth):
    error = np.linalg.norm(found - truth, axis=2) / np.linalg.norm(truth[:, 60] - truth[:, 72], axis=1)[:, None]
    parts = ", ".join(f"{k} {error[:, a:b].mean():.4f}" for k, (a, b) in {"contour": (0, 33), "brows": (33, 51), "nose": (51, 60), "eyes": (60, 76), "mouth": (76, 96)}.items())
    print(f"  {name}: error mean {error.mean():.4f}, 95th percentile of pictures {np.percentile(error.mean(1), 95):.4f}, above 0.1 in {100 * np.mean(error.mean(1) > 0.1):.1f} %; {parts}")
    for what, shape in (("right eye", EYES["right"]), ("left eye", EYES["left"]), ("mouth", MOUTH)):
        a, b = aspect(found, shape), aspect(truth, shape)
        print(f"    {what} openness: truth mean {b.mean():.3f}, mean difference {np.abs(a - b).mean():.3f}, correlation {np.corrcoef(a, b)[0, 1]:.3f}")
    a, b = pose(found), pose(truth)
    print("    " + ", ".join(f"{what}: mean difference {np.abs(a - b)[:, k].mean():.3f}, correlation {np.corrcoef(a[:, k], b[:, k])[0, 1]:.3f}"
                             for k, what in enumerate(("yaw (share of eye distance)", "pitch (share of eyes to mouth)", "roll (degrees)"))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--labels", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, help="measure so many pictures only, drawn with a fixed seed")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures, labels = np.load(args.data / "pictures.npy", mmap_mode="r"), dict(np.load(args.labels))
    if args.count:
        chosen = np.sort(np.random.default_rng(17).choice(len(labels["index"]), args.count, replace=False))
        labels = {k: v[chosen] for k, v in labels.items()}
    with Session(args.onnx) as student, Session(args.teacher) as teacher:
        spent, crops = {"student": [], "teacher": []}, []
        for strength in (0, 2):
            found, answers = [], []
            for i, box in zip(labels["index"], labels["box"]):
                warp = square(box, np.random.default_rng([5, i]) if strength else None, strength)
                crop = cv2.warpAffine(np.asarray(pictures[i])[:, :, ::-1], warp, (SIDE, SIDE))[None]
                for name, session, rows in (("student", student, found), ("teacher", teacher, answers)):
                    rows.append(carry(locate(session, crop)[0], cv2.invertAffineTransform(warp)))
                    spent[name].append(1000 * session.elapsed)
            print(f"{len(found)} pictures, " + ("crops moved: shift 6 px, turn 9 degrees, scale 10 % (standard deviations)" if strength else "crops by the detector's box"))
            compare("this model", np.array(found), labels["points"])
            compare("one answer of the teacher", np.array(answers), labels["points"])
        print("time of a run, one thread, by turns: " + ", ".join(f"{k} median {np.median(v):.2f} ms" for k, v in spent.items()))


if __name__ == "__main__":
    main()
