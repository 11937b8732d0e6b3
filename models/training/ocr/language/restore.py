"""Makes a checkpoint of a published language model, so that training can go on where the run's own checkpoint is not at hand.

python3 models/training/ocr/language/restore.py --model models/embedded/char-lm.bin --out OUT/char-lm.pt

`train.py --out OUT` goes on from it, with an optimiser that knows nothing yet and the whole of --minutes before it. The weights are those of the file,
rounded to 8 bits, until training moves them; `export.py` writes the file's network again from them, byte for byte.
"""
import argparse
import pathlib
import struct

import numpy as np
import torch

from export import rounded, tensors
from net import Cloze
from text import CHARS


def decode(content):
    """The network of a file."""
    if content[:4] != b"CSLM":
        raise SystemExit("this is no language model of this project")
    classes, embedding, state, hidden = struct.unpack_from("<4I", content, 8)
    at, texts = 24, []
    for _ in range(2):
        length, = struct.unpack_from("<I", content, at)
        texts.append(content[at + 4:at + 4 + length].decode())
        at += 4 + length
    if texts[1] != "".join(CHARS):
        raise SystemExit("the model was made for another set of characters")
    net, read = Cloze(classes, embedding, state, hidden), []
    for t in tensors(net):
        if t.ndim == 1:
            read.append(np.frombuffer(content, "<f4", t.size, at))
            at += 4 * t.size
            continue
        rows = np.frombuffer(content, np.dtype([("scale", "<f4"), ("steps", "i1", t.shape[1])]), t.shape[0], at)
        read.append(rows["scale"][:, None] * rows["steps"])
        at += rows.nbytes
    weights = [torch.from_numpy(np.array(t, np.float32)) for t in read]
    names = ["embed.weight", "bias"] + [f"lstm.{part}_{suffix}" for suffix in ("l0", "l0_reverse") for part in ("weight_ih", "weight_hh", "bias_ih")]
    names += ["join.weight", "join.bias", "out.weight", "out.bias"]
    # The file holds the transposes of all matrices but the embedding, and the sum of an LSTM's two biases.
    given = {name: w.t().contiguous() if w.ndim == 2 and name != "embed.weight" else w for name, w in zip(names, weights)}
    given |= {f"lstm.bias_hh_{suffix}": torch.zeros(4 * state) for suffix in ("l0", "l0_reverse")}
    net.load_state_dict(given)
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    content = args.model.read_bytes()
    net = decode(content)
    for t in tensors(net):
        parts = [t.astype("<f4").tobytes()] if t.ndim == 1 else [s.astype("<f4").tobytes() + row.tobytes() for s, row in zip(*rounded(t))]
        if b"".join(parts) not in content:
            raise SystemExit("a part of the network would not be written as it was read")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"net": net.state_dict(), "sizes": net.sizes, "step": 0, "worked": 0.0}, args.out)
    print(f"{args.out}: the network of {args.model}, {len(content)} bytes")


if __name__ == "__main__":
    main()
