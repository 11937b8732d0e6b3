"""Measures recognisers by greedy decoding, without a language model, in one harness: characters wrong in %.

python3 models/training/speech/evaluate.py --tokens models/embedded/speech-ctc.tokens.txt --onnx FILE [--onnx FILE ...] FOLDER [FOLDER ...]

A folder holds NAME.wav (.opus, .flac) with NAME.txt, as evalset.py writes them. A character that has no token counts as wrong. With the language
model and through the server's own decoder: `courtsense eval asr FOLDER`.
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import measure
from corpora import decode
from features import ROW, rows
from net import DELAY
from runtime import Session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, action="append", required=True)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokens = measure.read_tokens(args.tokens)
    numbers = {t.lower(): i for i, t in enumerate(tokens) if i > 1}
    for folder in args.folders:
        recordings = []
        for file in sorted(f for f in folder.iterdir() if f.suffix in (".wav", ".opus", ".flac")):
            sound = torch.from_numpy(decode(file.read_bytes()).astype(np.float32))
            wanted = measure.spell(file.with_suffix(".txt").read_text("utf-8").strip().lower(), numbers)
            recordings.append((rows(torch.cat([sound, torch.zeros((DELAY + 4) * ROW)])[None]).numpy(), wanted))
        total = sum(len(wanted) for _, wanted in recordings)
        for path in args.onnx:
            cache = beginning(path)
            with Session(path) as session:
                wrong = spent = 0
                for x, wanted in recordings:
                    wrong += measure.edits(measure.greedy(session.run({"x": x, "cache": cache})["logits"][0]), wanted)
                    spent += session.elapsed
            seconds = sum(x.shape[1] for x, _ in recordings) * ROW / 16000
            print(f"{folder.name}: {path.name}: {100 * wrong / total:.1f} % of {total}, {len(recordings)} recordings, "
                  f"network {spent / seconds:.5f} of real time", flush=True)


def beginning(path):
    """The cache of zeros that a model begins with, for one stream."""
    cache = next(i for i in onnx.load(str(path), load_external_data=False).graph.input if i.name == "cache")
    return np.zeros([d.dim_value or 1 for d in cache.type.tensor_type.shape.dim], np.float32)


if __name__ == "__main__":
    main()
