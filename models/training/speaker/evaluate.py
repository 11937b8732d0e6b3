"""Measures how well the exported network tells people apart whom training did not hear.

python3 models/training/speaker/evaluate.py --onnx models/embedded/speaker.onnx --data WORK/speaker --noise DATA/noise --dev DATA/speech/dev-speechocean762.tar

Equal error rates over all pairs of stretches of two people or one: held-out speakers of the training corpora, near and in a room and noise that
training does not hear, and whole utterances of the test part of speechocean762 (--dev). Beside it, what the mean and the deviation of the
same features give without any network.
"""
import argparse
import pathlib
import sys
import tarfile

import numpy as np
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "speech"))
from features import fbank
from measure import far, features, rate, stretches
from runtime import Session
from store import Store


def utterances(path):
    """Labels and sounds of a tar of SPEAKER-UTTERANCE recordings."""
    from corpora import decode
    labels, sounds = [], []
    with tarfile.open(path) as tar:
        for member in tar:
            name = pathlib.PurePath(member.name)
            if member.isfile() and name.suffix not in (".txt", ".csv"):
                labels.append(name.stem.split("-")[0])
                sounds.append(decode(tar.extractfile(member).read()).astype(np.float32))
    return labels, sounds


def report(name, vectors, labels):
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.array(labels)
    first, second = np.triu_indices(len(labels), 1)
    same, scores = labels[first] == labels[second], (vectors @ vectors.T)[first, second]
    print(f"{name}: {len(set(labels))} speakers, {len(labels)} stretches, {same.sum()} pairs of one and {(~same).sum()} of two: "
          f"equal error {100 * rate(scores, same):.1f} %; cosine of one {scores[same].mean():.2f}, of two {scores[~same].mean():.2f}")


def statistics(x):
    return np.concatenate([x.mean(0), x.std(0)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--dev", type=pathlib.Path, required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(7)
    labels, sounds = stretches(Store(args.data, "voices"), rng)
    sets = {"held out, near, 2 s": (labels, sounds), "held out, far, 2 s": (labels, far(sounds, args.noise, rng)), "speechocean762 test": utterances(args.dev)}
    with Session(args.onnx) as session:
        for name, (labels, sounds) in sets.items():
            embedded, plain = [], []
            for sound in sounds:
                embedded.append(session.run({"feats": features([sound]).numpy()})["embs"][0])
                plain.append(statistics(fbank(torch.from_numpy(np.asarray(sound, np.float32))[None])[0].numpy()))
            plain = np.stack(plain)
            report(name, np.stack(embedded), labels)
            report(f"  {name}, features alone", (plain - plain.mean(0)) / plain.std(0), labels)


if __name__ == "__main__":
    main()
