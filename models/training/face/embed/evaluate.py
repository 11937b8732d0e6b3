"""Measures an embedding beside its teacher on people that training never saw.

python3 models/training/face/embed/evaluate.py --onnx FILE --teacher mobilefacenet.onnx --held FILE --faces FILE --pairs pairs.csv

--held and --faces are what `views.py --people` wrote for the held-out people of lfw-train and for lfw-dev, both aligned with the same
landmarks for both models; --pairs lists pictures of lfw-dev as left,right,same. Thresholds are chosen on the held-out people.
"""
import argparse
import pathlib
import sys

import numpy as np

from views import tensor

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pairs_of(vectors, people):
    """Cosines of all pairs of one person, and of all pairs of strangers."""
    alike, same = vectors @ vectors.T, people[:, None] == people[None]
    upper = np.triu(np.ones_like(same), 1)
    return alike[same & upper], alike[~same & upper]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--held", type=pathlib.Path, required=True)
    parser.add_argument("--faces", type=pathlib.Path, required=True)
    parser.add_argument("--pairs", type=pathlib.Path, required=True)
    args = parser.parse_args()
    held, dev = dict(np.load(args.held)), dict(np.load(args.faces))
    with Session(args.onnx) as session:
        run = lambda pictures: unit(np.concatenate([session.run({"input": tensor(pictures[i:i + 1])})["embedding"] for i in range(len(pictures))]))
        ours = {"held": run(held["pictures"]), "dev": run(dev["pictures"])}
    theirs = {"held": unit(held["vector"]), "dev": unit(dev["vector"])}
    people = {k: np.array([n.rsplit("_", 1)[0] for n in v["names"]]) for k, v in (("held", held), ("dev", dev))}
    index = {name: i for i, name in enumerate(dev["names"])}
    lines = [line.split(",") for line in args.pairs.read_text().split()[1:]]
    left, right = ([index[line[k]] for line in lines] for k in (0, 1))
    same = np.array([line[2] in ("1", "true", "True") for line in lines])
    agreement = (ours["dev"] * theirs["dev"]).sum(1)
    print(f"{len(dev['names'])} faces of {len(set(people['dev']))} people: cosine to the teacher's vector mean {agreement.mean():.4f}, 5th percentile {np.percentile(agreement, 5):.4f}")
    for name, vectors in (("this model", ours), ("teacher", theirs)):
        own, strangers = pairs_of(vectors["held"], people["held"])
        limits = np.linspace(0, 1, 1001)
        # Listed pairs are half of one person, half of strangers, so both rates count alike.
        threshold = limits[np.argmax([np.mean(own > t) + np.mean(strangers <= t) for t in limits])]
        score = (vectors["dev"][left] * vectors["dev"][right]).sum(1)
        best = max(np.mean((score > t) == same) for t in np.unique(score))
        own, strangers = pairs_of(vectors["dev"], people["dev"])
        rates = ", ".join(f"at FMR {f:g} {100 * np.mean(own > np.quantile(strangers, 1 - f)):.2f} %" for f in (1e-2, 1e-3, 1e-4))
        print(f"  {name}: {len(lines)} listed pairs, accuracy {100 * np.mean((score > threshold) == same):.2f} % at the held-out people's threshold {threshold:.3f}, "
              f"{100 * best:.2f} % at the best; all {len(own)} own pairs found {rates} ({len(strangers)} pairs of strangers)")
    x = {"input": tensor(dev["pictures"][:1])}
    spent = {"this model": [], "teacher": []}
    with Session(args.onnx) as student, Session(args.teacher) as teacher:
        for _ in range(60):
            for name, session, inputs in (("this model", student, x), ("teacher", teacher, {"input0": x["input"]})):
                session.run(inputs)
                spent[name].append(1000 * session.elapsed)
    print("time of a run, one face, one thread, by turns: " + ", ".join(f"{k} median {np.median(v):.2f} ms, least {min(v):.2f} ms" for k, v in spent.items()))


if __name__ == "__main__":
    main()
