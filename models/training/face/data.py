"""Prepares the face data: decodes the pictures and lets the teacher find the faces in each, once.

python3 models/training/face/data.py --pictures lfw-train.tar --teacher yunet_n_dynamic.onnx --out DIR

Written: pictures.npy (uint8 BGR [N, 250, 250, 3]), faces.npy (float32 [M, 16]) and names.txt. A row of faces.npy is picture,
score, box x y w h, then right eye, left eye, nose, right and left mouth corner as x y ("right" is the person's own).
"""
import argparse
import pathlib
import sys
import tarfile

import cv2
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtime import Session

SIZE = 250                       # pixels; Labeled Faces in the Wild, deep-funnelled
STRIDES = (8, 16, 32)


def read_tar(path):
    """Names and BGR pictures of a tar of 250x250 JPEG files, sorted by name."""
    names, pictures = [], []
    with tarfile.open(path) as tar:
        for member in sorted((m for m in tar.getmembers() if m.name.endswith(".jpg")), key=lambda m: m.name):
            picture = cv2.imdecode(np.frombuffer(tar.extractfile(member).read(), np.uint8), cv2.IMREAD_COLOR)
            if picture is None or picture.shape != (SIZE, SIZE, 3):
                raise ValueError(f"{member.name} is not a {SIZE}x{SIZE} picture")
            names.append(pathlib.Path(member.name).name)
            pictures.append(picture)
    return names, np.stack(pictures)


def pad(pictures):
    """uint8 [N,h,w,3] -> float32 [N,3,H,W] with H and W the next multiples of 32, zeros at the right and bottom."""
    h, w = pictures.shape[1:3]
    padded = np.zeros((len(pictures), 3, -(-h // 32) * 32, -(-w // 32) * 32), np.float32)
    padded[:, :, :h, :w] = pictures.transpose(0, 3, 1, 2)
    return padded


def decode(outputs, width, least):
    """The YuNet outputs of one batch -> per picture [K, 15]: score, box x y w h, five points x y; scores above `least`."""
    rows = []
    for stride in STRIDES:
        cls, obj = outputs[f"cls_{stride}"], outputs[f"obj_{stride}"]
        box, points = outputs[f"bbox_{stride}"], outputs[f"kps_{stride}"]
        cells = np.arange(cls.shape[1])
        at = np.stack([cells % (width // stride), cells // (width // stride)], 1)[None]
        score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
        size = np.exp(box[:, :, 2:]) * stride
        centre = (at + box[:, :, :2]) * stride
        points = (np.tile(at, 5) + points) * stride
        rows.append(np.concatenate([score, centre - size / 2, size, points], 2))
    rows = np.concatenate(rows, 1)
    return [suppress(r[r[:, 0] > least]) for r in rows]


def overlap(a, b):
    """Intersection over union of boxes x y w h, [..., 4] against [..., 4]."""
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:4], b[..., :2] + b[..., 2:4])
    common = np.prod(np.maximum(high - low, 0), -1)
    return common / (np.prod(a[..., 2:4], -1) + np.prod(b[..., 2:4], -1) - common + 1e-9)


def suppress(rows, limit=0.3):
    """Greedy non-maximum suppression of rows that begin with score and box."""
    rows = rows[np.argsort(-rows[:, 0])]
    kept = []
    for row in rows:
        if all(overlap(row[1:5], k[1:5]) <= limit for k in kept):
            kept.append(row)
    return np.array(kept, np.float32).reshape(-1, 15)


def detect(session, pictures, least=0.3, scale=1.0, batch=8):
    """Faces of equally sized BGR pictures, in their own pixels."""
    found = []
    for i in range(0, len(pictures), batch):
        part = pictures[i:i + batch]
        if scale != 1:
            part = np.stack([cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR) for p in part])
        x = pad(part)
        for rows in decode(session.run({"input": x}), x.shape[3], least):
            rows[:, 1:] /= scale
            found.append(rows)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    names, pictures = read_tar(args.pictures)
    table = []
    with Session(args.teacher) as session:
        for i in range(0, len(pictures), 200):
            part = pictures[i:i + 200]
            # Twice as large the teacher also finds the small faces in the background.
            for k, (same, twice) in enumerate(zip(detect(session, part), detect(session, part, scale=2))):
                rows = suppress(np.concatenate([same, twice]))
                table.append(np.concatenate([np.full((len(rows), 1), i + k, np.float32), rows], 1))
            print(f"{i + len(part)}/{len(pictures)} pictures, {sum(map(len, table))} faces", flush=True)
    np.save(args.out / "pictures.npy", pictures)
    np.save(args.out / "faces.npy", np.concatenate(table))
    (args.out / "names.txt").write_text("\n".join(names) + "\n")


if __name__ == "__main__":
    main()
