"""Finds the generic face in three dimensions that vision/face fits to landmarks to tell a head's pose.

python3 models/training/face/landmarks/shape.py LABELS.npz

LABELS is what labels.py wrote for the people of lfw-train. Structure from motion by factorisation (Tomasi and Kanade, IJCV 1992) of all faces
and their mirror images, as if it were one rigid face seen without perspective: the rank-3 part of all centred points, brought to a metric
frame by asking that each camera's axes are orthogonal and of equal length. Only points that move little with expression take part.
The frame: symmetric about x = 0; y downwards, z away from the camera; a head without pitch is held as in the median portrait; the unit is the
distance of the eyes' centres.
It prints the tables of vision/face/shape.go, and how well the shape explains the points.
"""
import argparse

import numpy as np

from labels import MIRROR

# Corners of the eyes, bridge, tip and base of the nose, corners of the mouth, chin.
RIGID = [60, 64, 68, 72, 51, 52, 53, 54, 55, 56, 57, 58, 59, 76, 82, 16]
EYES = [list(range(60, 68)), list(range(68, 76))]


def factorise(seen):
    """seen [F, 2, P], centred -> cameras [F, 2, 3], shape [3, P] in a metric frame."""
    frames, _, points = seen.shape
    u, s, vt = np.linalg.svd(seen.reshape(2 * frames, points), full_matrices=False)
    cameras, shape = u[:, :3] * s[:3], vt[:3]
    print(f"singular values {s[:6].round(2)}")
    a, b = cameras[0::2], cameras[1::2]

    def row(p, q):
        return np.stack([p[:, 0] * q[:, 0], p[:, 0] * q[:, 1] + p[:, 1] * q[:, 0], p[:, 0] * q[:, 2] + p[:, 2] * q[:, 0],
                         p[:, 1] * q[:, 1], p[:, 1] * q[:, 2] + p[:, 2] * q[:, 1], p[:, 2] * q[:, 2]], 1)

    # a Q a = b Q b and a Q b = 0 for all faces, with the mean size fixed.
    equations = np.concatenate([row(a, a) - row(b, b), row(a, b), (row(a, a) + row(b, b)).mean(0, keepdims=True) * frames])
    values = np.zeros(len(equations))
    values[-1] = 2 * frames
    q = np.linalg.lstsq(equations, values, rcond=None)[0]
    metric = np.array([[q[0], q[1], q[2]], [q[1], q[3], q[4]], [q[2], q[4], q[5]]])
    w, v = np.linalg.eigh(metric)
    assert (w > 0).all(), w
    root = v * np.sqrt(w)
    return (cameras @ root).reshape(frames, 2, 3), np.linalg.inv(root) @ shape


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels")
    args = parser.parse_args()
    points = np.load(args.labels)["points"].astype(np.float64)
    mirrored = points[:, MIRROR] * [-1, 1]
    points = np.concatenate([points, mirrored])
    eyes = np.stack([points[:, e].mean(1) for e in EYES], 1)
    # The eyes' centres take part as points 98 and 99.
    points = np.concatenate([points, eyes], 1)
    at = RIGID + [98, 99]
    seen = points[:, at]
    size = np.linalg.norm(eyes.mean(1) - seen[:, [at.index(76), at.index(82)]].mean(1), axis=1)
    seen = (seen - seen.mean(1, keepdims=True)) / size[:, None, None]
    cameras, shape = factorise(seen.transpose(0, 2, 1))
    residual = seen.transpose(0, 2, 1) - cameras @ shape
    rms = np.sqrt((residual ** 2).sum(1).mean(0))

    p = {k: shape[:, i] for i, k in enumerate(at)}
    mirror = {k: int(MIRROR[k]) for k in RIGID} | {98: 99, 99: 98}
    # x: between mirrored points; z: by the nose, which stands out towards the camera.
    x = sum(p[k] - p[mirror[k]] for k in (72, 68, 82, 59, 99))
    x /= np.linalg.norm(x)
    y = p[16] - p[51]
    y -= x * (x @ y)
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    if z @ (p[54] - (p[98] + p[99]) / 2) > 0:
        z = -z  # the reflection that no camera without perspective can tell apart
    frame = np.stack([x, y, z])
    # The pitch of each face in a frame whose y runs from the bridge of the nose to the chin, and its median as the frame's zero.
    u, _, vt = np.linalg.svd(cameras @ frame.T, full_matrices=False)
    turns = u @ vt
    depth = np.cross(turns[:, 0], turns[:, 1])
    pitch = np.median(np.arctan2(-depth[:, 1], depth[:, 2]))
    c, s = np.cos(pitch), np.sin(pitch)
    frame = np.array([[1, 0, 0], [0, c, s], [0, -s, c]]) @ frame
    origin = (p[98] + p[99]) / 2
    unit = np.linalg.norm(p[99] - p[98])
    q = {k: frame @ (p[k] - origin) / unit for k in at}
    symmetric = {k: (q[k] + q[mirror[k]] * [-1, 1, 1]) / 2 for k in at}
    print(f"{len(points) // 2} faces; rms distance per point over the eyes' distance:",
          {k: round(float(r / unit), 4) for k, r in zip(at, rms)})
    five = [("RightEye", 98), ("LeftEye", 99), ("Nose", 54), ("RightMouthCorner", 76), ("LeftMouthCorner", 82)]
    print("fiveShape:", ", ".join("{%s, %.3f, %.3f, %.3f}" % (n, *symmetric[k]) for n, k in five))
    print("wflwShape:", ", ".join("{%d, %.3f, %.3f, %.3f}" % (k, *symmetric[k]) for k in RIGID))


if __name__ == "__main__":
    main()
