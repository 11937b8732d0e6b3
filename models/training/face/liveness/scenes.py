"""Draws live and recaptured scenes and asks the two teachers how live each looks.

python3 models/training/face/liveness/scenes.py --data DIR --teachers minifasnet_v2_2.7.onnx minifasnet_v1se_4.0.onnx --out WORK
    [--people training] [--shards 40]

DIR holds what data.py wrote. A shard of WORK holds 512 crops (uint8 BGR 80x80), the class by construction, the kind (index into
recapture.KINDS, -1 live), and the mean of the teachers' softmax for "live".
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "embed"))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from recapture import KINDS, LIVE, attack, camera
from runtime import Session
from views import held_out

SIDE = 80
SCALE = 2.0                              # of our crop; pictures of Labeled Faces in the Wild hold no more
SHARD = 512
SCALES = (2.7, 4.0)                      # of the teachers' crops


def crop(picture, box, scale, resize=cv2.INTER_LINEAR):
    """The box x y w h grown `scale` times about its centre, or as far as the picture goes, moved inside it: 80x80."""
    height, width = picture.shape[:2]
    grow = min((height - 1) / box[3], (width - 1) / box[2], scale)
    w, h = box[2] * grow, box[3] * grow
    x = np.clip(box[0] + box[2] / 2 - w / 2, 0, width - 1 - w)
    y = np.clip(box[1] + box[3] / 2 - h / 2, 0, height - 1 - h)
    part = picture[int(y):int(y + h) + 1, int(x):int(x + w) + 1]
    return cv2.resize(part, (SIDE, SIDE), interpolation=resize)


def tensor(crops):
    """uint8 BGR [N,80,80,3] -> float32 [N,3,80,80], 0 to 255."""
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def judge(teachers, picture, box):
    """The teachers' mean probability of "live" for a BGR picture."""
    return float(np.mean([softmax(next(iter(t.run({"input": tensor(crop(picture, box, s)[None])}).values())))[0, LIVE] for t, s in zip(teachers, SCALES)]))


class Scenes:
    """Portraits of the chosen people (True held out, False not, None all) and the scenes drawn from them."""

    def __init__(self, folder, held):
        self.pictures, table = np.load(folder / "pictures.npy", mmap_mode="r"), np.load(folder / "faces.npy")
        self.faces = []
        for i, name in enumerate((folder / "names.txt").read_text().split()):
            rows = table[(table[:, 0] == i) & (table[:, 1] > 0.5)]
            if len(rows) and (held is None or held_out(name) == held):
                self.faces.append((i, min(rows, key=lambda r: np.abs(r[2:4] + r[4:6] / 2 - 125).sum())[2:6].astype(np.float64)))

    def backdrop(self, rng):
        """What is behind a print or a screen: a blurred part of another picture, or a wall."""
        if rng.random() < 0.3:
            return np.full((250, 250, 3), rng.uniform(20, 240, 3)) + rng.normal(0, 4, (250, 250, 3))
        part = np.asarray(self.pictures[self.faces[int(rng.integers(len(self.faces)))][0]])[:90, :90, ::-1]
        return cv2.resize(cv2.GaussianBlur(part, (0, 0), rng.uniform(0.5, 4)), (250, 250), interpolation=cv2.INTER_CUBIC)

    def draw(self, rng, kind):
        """A scene of kind `kind` (an index into KINDS, or -1 for live): BGR picture, face box, class."""
        i, box = self.faces[int(rng.integers(len(self.faces)))]
        portrait, box = np.asarray(self.pictures[i])[:, :, ::-1], box.copy()
        if rng.random() < 0.5:
            portrait, box[0] = portrait[:, ::-1], 250 - box[0] - box[2]
        centre = box[:2] + box[2:] / 2
        warp = cv2.getRotationMatrix2D(tuple(centre), rng.normal(0, 5), np.exp(rng.normal(0, 0.06)))
        portrait = cv2.warpAffine(np.ascontiguousarray(portrait), warp, (250, 250), borderMode=cv2.BORDER_REFLECT)
        scene, label = (portrait.astype(np.float32), LIVE) if kind < 0 else attack(portrait, self.backdrop(rng), box, KINDS[kind], rng)
        box[:2] += rng.normal(0, 0.03, 2) * box[2:]
        box *= np.exp(np.append([0, 0], rng.normal(0, 0.04, 2)))
        return np.ascontiguousarray(camera(scene, rng)[:, :, ::-1]), box, label


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--teachers", type=pathlib.Path, nargs=2, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--people", choices=["training", "held-out", "all"], default="training")
    parser.add_argument("--shards", type=int, default=40)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    scenes = Scenes(args.data, {"training": False, "held-out": True, "all": None}[args.people])
    teachers = [Session(p) for p in args.teachers]
    for shard in range(args.shards):
        path = args.out / f"{args.people}-{shard:04d}.npz"
        if path.exists():
            continue
        rows = []
        for k in range(SHARD):
            rng = np.random.default_rng([11, {"training": 0, "held-out": 1, "all": 2}[args.people], shard * SHARD + k])
            kind = -1 if rng.random() < 0.4 else int(rng.integers(len(KINDS)))
            picture, box, label = scenes.draw(rng, kind)
            small = crop(picture, box, SCALE * rng.uniform(0.9, 1.05), int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_AREA])))
            rows.append((small, label, kind, judge(teachers, picture, box)))
        crops, labels, kinds, live = (np.array(v) for v in zip(*rows))
        part = path.with_suffix(".part.npz")
        np.savez(part, crops=crops, labels=labels, kinds=kinds, live=live.astype(np.float32))
        part.rename(path)                # a training beside this program sees whole shards only
        print(f"{args.people} {shard + 1}/{args.shards}; teachers call live: "
              + ", ".join(f"{'live' if k < 0 else KINDS[k]} {100 * np.mean(live[kinds == k] > 0.5):.0f} %" for k in range(-1, len(KINDS))), flush=True)


if __name__ == "__main__":
    main()
