"""Writes the punctuator as ONNX, with its embeddings in 8 bits, checked against the network.

    python3 models/training/speech/punctuate/export.py --checkpoint WORK/punctuate/punctuate.pt --data WORK/punctuate \
        --onnx models/embedded/punctuate.onnx --tokens models/embedded/punctuate.tokens.txt

The file takes words, first, last and kinds [N, T] int64 and gives logits [N, T, 8]. The list has characters, one a line, and behind them words with kind,
cost and groups.
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from net import Net

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session  # noqa: E402


def shrink(model):
    """Replaces each table of embeddings by int8 rows with a scale each."""
    graph = model.graph
    tables = {i.name: i for i in graph.initializer}
    for node in list(graph.node):
        if node.op_type != "Gather" or node.input[0] not in tables or len(tables[node.input[0]].dims) != 2:
            continue
        name = node.input[0]
        if name + ".q" not in {i.name for i in graph.initializer}:
            w = numpy_helper.to_array(tables[name])
            scale = np.maximum(np.abs(w).max(1, keepdims=True), 1e-8) / 127
            graph.initializer.extend([numpy_helper.from_array(np.round(w / scale).astype(np.int8), name + ".q"),
                                      numpy_helper.from_array(scale.astype(np.float32), name + ".s")])
        at, out = list(graph.node).index(node), node.output[0]
        new = [helper.make_node("Gather", [name + ".q", node.input[1]], [out + ".q"], axis=0),
               helper.make_node("Gather", [name + ".s", node.input[1]], [out + ".s"], axis=0),
               helper.make_node("Cast", [out + ".q"], [out + ".f"], to=onnx.TensorProto.FLOAT),
               helper.make_node("Mul", [out + ".f", out + ".s"], [out])]
        graph.node.remove(node)
        for i, n in enumerate(new):
            graph.node.insert(at + i, n)
    used = {i for n in graph.node for i in n.input}
    for i in list(graph.initializer):
        if i.name not in used:
            graph.initializer.remove(i)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=pathlib.Path, required=True)
    args = parser.parse_args()
    characters = (args.data / "tokens.txt").read_text(encoding="utf-8")
    words = (args.data / "words.txt").read_text(encoding="utf-8").splitlines()
    groups = np.load(args.data / "groups.npy")
    net = Net(len(characters.splitlines()), len(words) + 1)
    saved = torch.load(args.checkpoint)
    net.load_state_dict(saved["mean"])
    net.eval()
    names = ["words", "first", "last", "kinds"]
    fields = [torch.randint(0, n, (2, 40)) for n in (len(words), len(characters.splitlines()), len(characters.splitlines()), 100)]
    torch.onnx.export(net, tuple(fields), str(args.onnx), opset_version=13, input_names=names, output_names=["logits"],
                      dynamic_axes={n: {0: "batch", 1: "places"} for n in names + ["logits"]})
    model = onnx.load(str(args.onnx))
    shrink(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(args.onnx))
    args.tokens.write_text(characters + "".join(f"{w} {fine} {coarse}\n" for w, (fine, coarse) in zip(words, groups[1:])), encoding="utf-8")
    with torch.no_grad():
        want = net(*fields).numpy()
    got = Session(args.onnx).run({n: f.numpy() for n, f in zip(names, fields)})["logits"]
    print(f"step {saved['step']}, {saved['spent']:.0f} CPU seconds; largest difference by 8-bit embeddings {np.abs(want - got).max():.3f}")


if __name__ == "__main__":
    main()
