"""Writes the language model in the format of docs/models.md, and what the network itself says, for the tests of the Go code."""
import argparse
import hashlib
import json
import pathlib
import struct
import zlib

import numpy as np
import torch

import phrases
from net import Cloze
from text import CHARS, MARKS, classes

SENTENCES = ["原告向本院提出诉讼请求", "被告未按照合同约定支付货款，已构成违约。", "依照《中华人民共和国民法典》第五百七十七条之规定，判决如下：",
             "公诉机关认为上述事实有被告人供述、证人证言等证据证明"]


def tensors(net):
    """-> (matrix [rows, columns] or bias [columns]) in the order of the file."""
    state = {k: v.detach().numpy().astype(np.float32) for k, v in net.state_dict().items()}
    out = [state["embed.weight"], state["bias"]]
    for suffix in ("l0", "l0_reverse"):
        out += [state[f"lstm.weight_ih_{suffix}"].T, state[f"lstm.weight_hh_{suffix}"].T, state[f"lstm.bias_ih_{suffix}"] + state[f"lstm.bias_hh_{suffix}"]]
    return out + [state["join.weight"].T, state["join.bias"], state["out.weight"].T, state["out.bias"]]


def rounded(t):
    """-> scales [rows], int8 [rows, columns]."""
    scale = (np.abs(t).max(1) / np.float32(127)).astype(np.float32)
    return scale, np.rint(t / np.where(scale > 0, scale, 1)[:, None]).clip(-127, 127).astype(np.int8)


def encode(net, about, runs):
    sizes = net.sizes
    out = b"CSLM" + struct.pack("<HH4I", 2, 0, sizes["classes"], sizes["embedding"], sizes["state"], sizes["hidden"])
    for text in (about, "".join(CHARS)):
        out += struct.pack("<I", len(text.encode())) + text.encode()
    parts = [out]
    for t in tensors(net):
        if t.ndim == 1:
            parts.append(t.astype("<f4").tobytes())
            continue
        scale, q = rounded(t)
        parts += [s.astype("<f4").tobytes() + row.tobytes() for s, row in zip(scale, q)]
    out = b"".join(parts) + runs
    return out + struct.pack("<I", zlib.crc32(out))


def load(checkpoint, as_exported=False):
    """-> the network; with weights rounded as in the file when `as_exported`."""
    saved = torch.load(checkpoint, map_location="cpu")
    net = Cloze(**saved["sizes"])
    net.load_state_dict(saved["net"])
    net.eval()
    if as_exported:
        with torch.no_grad():
            for name, p in net.named_parameters():
                if p.ndim == 2:
                    # The file holds the transposes of all matrices but the embedding.
                    turn = (lambda a: a) if name.startswith("embed") else (lambda a: a.T)
                    scale, q = rounded(turn(p.numpy()))
                    p.copy_(torch.from_numpy(np.ascontiguousarray(turn(scale[:, None] * q))))
    return net, saved


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, help="folder of data; default: the environment's COURTSENSE_DATA")
    parser.add_argument("--cache", type=pathlib.Path, required=True, help="folder to keep the texts' classes and counts in; that of the training will do")
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--golden", type=pathlib.Path, help="what the network says of some sentences")
    args = parser.parse_args()
    if args.data:
        import corpus
        corpus.use(args.data)
    net, saved = load(args.checkpoint)
    about = (f"Character language model of Chinese statutes and case texts, {saved['step']} steps of training by models/training/ocr/language, "
             "and how often those texts hold runs of up to five characters.")
    args.model.write_bytes(encode(net, about, phrases.encode(args.cache)))
    net, _ = load(args.checkpoint, as_exported=True)
    golden = []
    with torch.no_grad():
        for sentence in SENTENCES:
            ids = classes(sentence)
            z = net.scores(net(torch.tensor(ids)[:, None])[:, 0])
            golden.append({"text": sentence, "classes": ids, "scores": [round(z[i, c].item(), 4) for i, c in enumerate(ids)],
                           "best": "".join(CHARS[c - MARKS] if c >= MARKS else "?" for c in z.argmax(1).tolist())})
    if args.golden:
        args.golden.parent.mkdir(parents=True, exist_ok=True)
        args.golden.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    content = args.model.read_bytes()
    print(f"{args.model}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}, {sum(p.numel() for p in net.parameters()) - 8 * net.sizes['state']} weights")


if __name__ == "__main__":
    main()
