"""Writes the trained recogniser as ONNX with its keys file, and checks the file against the network.

python3 models/training/ocr/recognise/export.py --checkpoint OUT/recognise.pt --onnx FILE.onnx

FILE.keys.txt gets the characters of classes 1, 2, ..., one a line. Batch normalisation is folded into the convolutions.
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[i]) for i in (1, 2)]
from fonts import CHARSET
from net import STRIDE, Exported, Recogniser, Unit
from runtime import Session


def fold(net):
    """Moves each unit's normalisation into its convolution, in place."""
    for unit in net.modules():
        if isinstance(unit, Unit):
            unit.conv, unit.norm = fuse_conv_bn_eval(unit.conv, unit.norm), torch.nn.Identity()
    return net


def load(checkpoint):
    """The averaged weights of a checkpoint, folded."""
    net = Recogniser(len(CHARSET) + 1)
    net.load_state_dict(torch.load(checkpoint, map_location="cpu")["average"])
    return fold(net.eval())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = Exported(load(args.checkpoint))
    parameters = sum(p.numel() for p in net.parameters())
    torch.onnx.export(net, torch.zeros(1, 1, 32, 320), str(args.onnx), opset_version=13, input_names=["x"], output_names=["logits", "boxes"],
                      dynamic_axes={"x": {0: "batch", 3: "width"}, "logits": {0: "batch", 1: "frames"}, "boxes": {0: "batch", 1: "frames"}})
    model = onnx.load(str(args.onnx))
    for output, size in zip(model.graph.output, (len(CHARSET) + 1, 4)):
        output.type.tensor_type.shape.dim[2].dim_value = size
    onnx.checker.check_model(model)
    onnx.save(model, str(args.onnx))
    args.onnx.with_suffix(".keys.txt").write_text("".join(c + "\n" for c in CHARSET), encoding="utf-8")
    x = torch.rand(3, 1, 32, 212) * 2 - 1
    with torch.no_grad():
        wanted = [v.numpy() for v in net(x)]
    with Session(args.onnx) as session:
        found = session.run({"x": x.numpy()})
    if found["logits"].shape != (3, 212 // STRIDE, len(CHARSET) + 1):
        raise SystemExit(f"the file answers with shape {found['logits'].shape}")
    difference = max(np.abs(found[n] - v).max() for n, v in zip(("logits", "boxes"), wanted))
    if difference > 1e-3:
        raise SystemExit(f"the file differs from the network by {difference:.2e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {parameters} parameters after folding, {len(CHARSET)} characters; "
          f"differs from the network by at most {difference:.1e}")


if __name__ == "__main__":
    main()
