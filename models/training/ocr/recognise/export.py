"""Writes the trained recogniser as ONNX with its keys file, and checks the file against the network.

python3 models/training/ocr/recognise/export.py --checkpoint OUT/recognise.pt [...] --gate OUT/gate.pt --onnx FILE.onnx [--temperature 1] [--samples LINES.npz]

Several checkpoints of one run are averaged: earlier ones, when the learning rate was higher, know rare characters better. The gate must be fitted to the same.
FILE.keys.txt gets the characters of classes 1, 2, ..., one a line. Batch normalisation is folded into the convolutions.
With the lines that `samples.py` drew, the features are balanced for `quantise.py` (see `basis.py`).
"""
import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[i]) for i in (1, 2)]
from basis import balance
from fonts import CHARSET
from net import Exported, Gate, Recogniser, Unit
from runtime import Session


def fold(net):
    """Moves each unit's normalisation into its convolution, in place."""
    for unit in net.modules():
        if isinstance(unit, Unit):
            unit.conv, unit.norm = fuse_conv_bn_eval(unit.conv, unit.norm), torch.nn.Identity()
    return net


def load(checkpoints):
    """The averaged weights of a checkpoint, or the mean of several ones' of one run, folded."""
    states = [torch.load(c, map_location="cpu")["average"] for c in checkpoints]
    net = Recogniser(len(CHARSET) + 1)
    net.load_state_dict({k: sum(s[k].double() for s in states).div(len(states)).to(v.dtype) for k, v in states[0].items()})
    return fold(net.eval())


@torch.no_grad()
def classified(net, gate, samples):
    """The features [n, 144] of all frames in the lines of a file of `samples.py` that the gate lets through to the classifier."""
    rows = [net(torch.from_numpy(x)).flatten(0, 1) for x in np.load(samples).values()]
    return torch.cat([f[gate(f) > 0] for f in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--gate", type=pathlib.Path, required=True)
    parser.add_argument("--temperature", type=float, default=1.0, help="scores are divided by it before they become probabilities")
    parser.add_argument("--samples", type=pathlib.Path, help="lines on which the features are measured, to balance them")
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    gate = Gate()
    gate.load_state_dict(torch.load(args.gate))
    net = load(args.checkpoint)
    if args.samples:
        balance(net, gate, classified(net, gate, args.samples))
    net = Exported(net, gate, args.temperature).eval()
    parameters = sum(p.numel() for p in net.parameters())
    names = ["scores", "classes", "boxes"]
    torch.onnx.export(net, torch.rand(2, 1, 32, 320), str(args.onnx), opset_version=13, input_names=["x"], output_names=names,
                      dynamic_axes={"x": {0: "batch", 3: "width"}, **{n: {0: "batch", 1: "frames"} for n in names}})
    model = onnx.load(str(args.onnx))
    for output, size in zip(model.graph.output, (Exported.KEPT, Exported.KEPT, 4)):
        for axis, value in enumerate(("batch", "frames", size)):
            dim = output.type.tensor_type.shape.dim[axis]
            dim.Clear()
            setattr(dim, "dim_value" if axis == 2 else "dim_param", value)
    onnx.checker.check_model(model)
    onnx.save(model, str(args.onnx))
    args.onnx.with_suffix(".keys.txt").write_text("".join(c + "\n" for c in CHARSET), encoding="utf-8")
    check(net, args.onnx)
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {parameters} parameters after folding, {len(CHARSET)} characters")


def check(net, path):
    """Compares file and network on text-like noise, on nothing at all, and on one line alone against the same line in a batch."""
    pictures = [torch.rand(3, 1, 32, 212) * 2 - 1, torch.ones(2, 1, 32, 64), torch.rand(1, 1, 32, 100)]
    pictures[0][1:, :, :, 150:] = 1.0
    with Session(numeric(path)) as session:
        for x in pictures:
            with torch.no_grad():
                wanted = dict(zip(("scores", "classes", "boxes"), (v.numpy() for v in net(x))))
            found = session.run({"x": x.numpy()})
            for name, value in wanted.items():
                if found[name].shape != value.shape:
                    raise SystemExit(f"{name} has shape {found[name].shape}, want {value.shape}")
            for name in ("scores", "boxes"):
                if (difference := np.abs(found[name] - wanted[name]).max()) > 1e-3:
                    raise SystemExit(f"{name} differs from the network by {difference:.2e}")
            clear = wanted["scores"][..., 0] - wanted["scores"][..., 1] > 1e-3
            if (found["classes"][..., 0] != wanted["classes"][..., 0])[clear].any():
                raise SystemExit("the classes differ from the network's")
        x = pictures[0]
        alone = session.run({"x": x[1:2].numpy()})["scores"]
        if np.abs(session.run({"x": x.numpy()})["scores"][1:2] - alone).max() > 1e-4:
            raise SystemExit("a line's neighbours in the batch change its scores")


def numeric(path):
    """A copy of the file whose classes come as float32, the only type that `runtime.py` hands back."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.output[:] = ["classes_int" if o == "classes" else o for o in node.output]
        node.input[:] = ["classes_int" if i == "classes" else i for i in node.input]
    model.graph.node.append(onnx.helper.make_node("Cast", ["classes_int"], ["classes"], to=onnx.TensorProto.FLOAT))
    for output in model.graph.output:
        if output.name == "classes":
            output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    copy = pathlib.Path(tempfile.mkdtemp()) / "numeric.onnx"
    onnx.save(model, str(copy))
    return copy


if __name__ == "__main__":
    main()
