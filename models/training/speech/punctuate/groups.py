"""Writes vectors of words, and groups of words, by what stands two places before to two behind them.

    OPENBLAS_CORETYPE=SKYLAKEX OMP_NUM_THREADS=1 /usr/bin/python3 models/training/speech/punctuate/groups.py --data WORK/punctuate

Vectors (wordvec.npy, [words+1, 64]) are the leading singular vectors of the positive pointwise mutual information of words and neighbours; groups
(groups.npy, [words+1, 2]: one of 512 and one of 64; 0 for none) are clusters of their directions by k-means. No marks are used.
"""
import argparse
import pathlib

import numpy as np
import scipy.sparse as sparse

TIMES = {"cases": 3, "conversation": 3, "news": 3, "judicial": 1, "statutes": 1}
SIZE, ROUNDS = 64, 14


def neighbours(words, count):
    """Information that a word at a distance gives about a word, [words, 4 * words]."""
    tables = []
    for distance in (-2, -1, 1, 2):
        n = abs(distance)
        a, b = (words[:-n], words[n:]) if distance > 0 else (words[n:], words[:-n])
        both = (a > 0) & (b > 0)
        c = sparse.coo_matrix((np.ones(both.sum(), np.float32), (a[both], b[both])), shape=(count, count)).tocsr()
        total = c.sum()
        rows, columns = np.asarray(c.sum(1)).ravel() + 1e-9, np.asarray(c.sum(0)).ravel() ** .75
        columns = columns / columns.sum() * total + 1e-9
        c = c.tocoo()
        value = np.log(c.data * total / (rows[c.row] * columns[c.col]))
        kept = (value > 0) & (c.data > 1)
        tables.append(sparse.csr_matrix((value[kept], (c.row[kept], c.col[kept])), shape=c.shape, dtype=np.float32))
    return sparse.hstack(tables).tocsr()


def leading(x, rng):
    """The leading left singular vectors, scaled by the roots of their values: randomised, three power rounds."""
    y = x @ rng.standard_normal((x.shape[1], SIZE + 16)).astype(np.float32)
    for _ in range(3):
        q, _ = np.linalg.qr(y)
        y = x @ (x.T @ q)
    q, _ = np.linalg.qr(y)
    u, s, _ = np.linalg.svd((x.T @ q).T, full_matrices=False)
    return (q @ u)[:, :SIZE] * np.sqrt(s[:SIZE])


def clusters(directions, centres):
    for _ in range(ROUNDS):
        nearest = (directions @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, directions)
        length = np.linalg.norm(sums, axis=1)
        centres[length > 1e-6] = sums[length > 1e-6] / length[length > 1e-6, None]
    return nearest + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    args = parser.parse_args()
    count = len((args.data / "words.txt").read_text(encoding="utf-8").splitlines()) + 1
    parts = []
    for kind, times in TIMES.items():
        data = np.load(args.data / f"{kind}.npz")
        parts += [data["words"][np.isin(data["places"] % 4, (0, 3))].astype(np.int64)] * times
    rng = np.random.default_rng(0)
    vectors = leading(neighbours(np.concatenate(parts), count), rng)
    vectors -= vectors.mean(0)
    vectors = np.clip(vectors / vectors.std() * .3, -2, 2).astype(np.float32)
    np.save(args.data / "wordvec.npy", vectors)
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    groups = np.zeros((count, 2), np.int32)
    groups[1:, 0] = clusters(directions[1:], directions[1 + np.arange(512) * 8 % 2000])
    groups[1:, 1] = clusters(directions[1:], directions[1 + rng.choice(1500, 64, replace=False)])
    np.save(args.data / "groups.npy", groups)


if __name__ == "__main__":
    main()
