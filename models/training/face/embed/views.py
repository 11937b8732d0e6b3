"""Draws what the embedding's training sees, and lets the teacher say what it makes of each picture.

python3 models/training/face/embed/views.py --data DIR --teacher mobilefacenet.onnx --out WORK [--shards 200] [--people training]

DIR holds what data.py wrote for lfw-train. Each shard of WORK holds 512 views (uint8 RGB 112x112), the teacher's vectors and its maps at
14x14 and 7x7. A view is an aligned face, jittered, bent, blended with another face and spoilt: the teacher labels any picture, so that
blends and bends stand for people that the data lack. `--people held-out` writes the plain faces that no training sees.
"""
import argparse
import hashlib
import pathlib
import sys

import cv2
import numpy as np
import onnx

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session

SIDE = 112
# Where ArcFace's alignment puts right eye, left eye, nose, right and left mouth corner; pixel centres are integers.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
SHARD = 512
MEAN, DEVIATION = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))    # of the teacher's input, RGB 0 to 1
TAPS = {"map14": "/features/features.11/Add_output_0", "map7": "/features/features.14/Add_output_0", "vector": "/conv3/Conv_output_0"}


def held_out(name):
    """Whether the person of a picture "First_Last_0001.jpg" is kept for calibration: a fifth of all, by the hash of the name."""
    return hashlib.sha256(name.rsplit("_", 1)[0].encode()).digest()[0] % 5 == 0


def similarity(landmarks, target=TEMPLATE):
    """The 2x3 similarity that brings five landmarks nearest to the template in the sense of least squares (Umeyama 1991)."""
    z, w = (p[:, 0] + 1j * p[:, 1] for p in (np.asarray(landmarks, np.float64).reshape(-1, 2), target))
    a = np.vdot(z - z.mean(), w - w.mean()) / np.vdot(z - z.mean(), z - z.mean()).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


class Portraits:
    """The central face of every picture whose person is, or is not, held out."""

    def __init__(self, folder, held):
        folder = pathlib.Path(folder)
        self.pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        table = np.load(folder / "faces.npy")
        names = (folder / "names.txt").read_text().split()
        self.index, self.names, self.warps = [], [], []
        for i, name in enumerate(names):
            rows = table[(table[:, 0] == i) & (table[:, 1] > 0.5)]
            if held is not None and held_out(name) != held or not len(rows):
                continue
            row = min(rows, key=lambda r: np.abs(r[2:4] + r[4:6] / 2 - 125).sum())
            self.index.append(i), self.names.append(name), self.warps.append(similarity(row[6:]))

    def __len__(self):
        return len(self.index)

    def face(self, k, move=None):
        """The aligned face k, RGB; `move` is a further 3x3 transform of the aligned picture."""
        warp = self.warps[k] if move is None else (move @ np.vstack([self.warps[k], [0, 0, 1]]))[:2]
        return cv2.warpAffine(np.asarray(self.pictures[self.index[k]])[:, :, ::-1], warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR)


def jitter(rng, strength):
    """A 3x3 transform near identity about the middle of the face: shift, turn, scale, shear, and a mirror half of the time."""
    angle, grow = rng.normal(0, 4 * strength) * np.pi / 180, np.exp(rng.normal(0, 0.05 * strength))
    wide, shear = np.exp(rng.normal(0, 0.03 * strength)), rng.normal(0, 0.03 * strength)
    c, s = grow * np.cos(angle), grow * np.sin(angle)
    m = np.array([[c, -s], [s, c]]) @ np.array([[wide, shear], [0, 1 / wide]])
    if rng.random() < 0.5:
        m = m @ np.array([[-1, 0], [0, 1]])
    centre = np.array([55.9, 65.0])
    out = np.eye(3)
    out[:2, :2], out[:2, 2] = m, centre - m @ centre + rng.normal(0, 2 * strength, 2)
    return out


def bend(picture, rng, strength):
    """Moves the features smoothly by a few pixels: another person's proportions."""
    n = int(rng.integers(3, 6))
    field = cv2.resize(rng.normal(0, 2.5 * strength, (n, n, 2)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return cv2.remap(picture, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def blend(a, b, rng):
    """Two aligned faces in one: evenly, by a smooth random border, or the low frequencies of one and the high ones of the other."""
    a, b = a.astype(np.float32), b.astype(np.float32)
    kind = rng.random()
    if kind < 0.35:
        share = rng.uniform(0.25, 0.75)
    elif kind < 0.8:
        n = int(rng.integers(2, 5))
        field = cv2.resize(rng.normal(0, 1, (n, n)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        share = (1 / (1 + np.exp(-rng.uniform(2, 8) * field)))[..., None]
        # Like brightness on both sides, lest the teacher sees a patchwork.
        b = b + (a - b).mean((0, 1)) * rng.uniform(0, 1)
    else:
        width = rng.uniform(2, 7)
        return np.clip(cv2.GaussianBlur(a, (0, 0), width) + b - cv2.GaussianBlur(b, (0, 0), width), 0, 255).astype(np.uint8)
    return np.clip(share * a + (1 - share) * b, 0, 255).astype(np.uint8)


def spoil(picture, rng, strength):
    """Light, colour, occlusion, blur, resolution, noise and JPEG."""
    x = picture.astype(np.float32)
    chance = lambda p: rng.random() < p * min(1, strength + 0.2)
    if chance(0.8):
        x = 255 * (np.clip(x, 0, 255) / 255) ** np.exp(rng.normal(0, 0.25 * strength))
        x = (x - x.mean()) * np.exp(rng.normal(0, 0.2 * strength)) + x.mean() + rng.normal(0, 15 * strength)
    if chance(0.4):
        x = x * np.exp(rng.normal(0, 0.08 * strength, 3))
        grey = x.mean(2, keepdims=True)
        x = grey + (x - grey) * np.exp(rng.normal(0, 0.35 * strength))
    if chance(0.06):
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    if chance(0.25):
        light = cv2.resize(rng.normal(0, 0.35 * strength, (2, 2)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        x = x * np.exp(light)[..., None]
    x = np.clip(x, 0, 255).astype(np.uint8)
    if chance(0.12):
        size, at = rng.integers(10, 55, 2), rng.integers(-10, SIDE - 10, 2)
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            cv2.rectangle(x, tuple(int(v) for v in at), tuple(int(v) for v in at + size), colour, -1)
        else:
            cv2.ellipse(x, tuple(int(v) for v in at), tuple(int(v) for v in size // 2 + 1), int(rng.integers(180)), 0, 360, colour, -1)
    if chance(0.2):
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 0.6 + 1.4 * strength))
    if chance(0.25):
        small = int(rng.uniform(max(24, 100 - 60 * strength), 108))
        x = cv2.resize(cv2.resize(x, (small, small), interpolation=cv2.INTER_AREA), (SIDE, SIDE), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))
    if chance(0.25):
        x = np.clip(x + rng.normal(0, rng.uniform(1, 2 + 9 * strength), x.shape), 0, 255).astype(np.uint8)
    if chance(0.25):
        x = cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])[1], cv2.IMREAD_COLOR)
    return x


def view(portraits, rng):
    strength = rng.uniform(0, 1) ** 1.5 * 1.6
    picture = portraits.face(int(rng.integers(len(portraits))), jitter(rng, strength))
    kind = rng.random()
    if kind < 0.5:
        picture = blend(picture, portraits.face(int(rng.integers(len(portraits))), jitter(rng, strength)), rng)
    if kind < 0.25 or kind > 0.75:
        picture = bend(picture, rng, rng.uniform(0.3, 1.3))
    return spoil(picture, rng, strength)


def tensor(pictures):
    """uint8 RGB [N,112,112,3] -> the teacher's, and the student's, input."""
    return np.ascontiguousarray(((pictures.astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2))


class Teacher:
    """The teacher for any batch, giving its inner maps too."""

    def __init__(self, path, folder):
        model = onnx.load(str(path))
        del model.graph.output[:]
        for name in TAPS.values():
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
        del model.graph.value_info[:]
        kept = [n for n in model.graph.node if n.op_type != "Reshape"]
        del model.graph.node[:]
        model.graph.node.extend(kept)
        tapped = pathlib.Path(folder) / "teacher.onnx"
        onnx.save(model, str(tapped))
        self.input, self.session = model.graph.input[0].name, Session(tapped)

    def label(self, pictures, batch=16):
        """Maps and vectors of uint8 RGB pictures: float16, vectors float32, not normalised."""
        parts = [self.session.run({self.input: tensor(pictures[i:i + batch])}) for i in range(0, len(pictures), batch)]
        out = {k: np.concatenate([p[name] for p in parts]) for k, name in TAPS.items()}
        return {"map14": out["map14"].astype(np.float16), "map7": out["map7"].astype(np.float16), "vector": out["vector"].reshape(len(pictures), -1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--shards", type=int, default=200)
    parser.add_argument("--people", choices=["training", "held-out", "all"], default="training")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(args.teacher, args.out)
    portraits = Portraits(args.data, {"training": False, "held-out": True, "all": None}[args.people])
    if args.people != "training":
        pictures = np.stack([portraits.face(k) for k in range(len(portraits))])
        np.savez(args.out / "plain.npz", pictures=pictures, names=np.array(portraits.names), **teacher.label(pictures))
        return
    for shard in range(args.shards):
        path = args.out / f"views-{shard:04d}.npz"
        if path.exists():
            continue
        pictures = np.stack([view(portraits, np.random.default_rng([7, shard * SHARD + k])) for k in range(SHARD)])
        part = path.with_suffix(".part.npz")
        np.savez(part, pictures=pictures, **teacher.label(pictures))
        part.rename(path)                    # a training beside this program sees whole shards only
        print(f"{shard + 1}/{args.shards} shards of {len(portraits)} portraits", flush=True)


if __name__ == "__main__":
    main()
