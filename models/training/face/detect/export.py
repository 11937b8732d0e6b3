"""Writes the trained detector as ONNX with YuNet's interface and checks the file against the network.

python3 models/training/face/detect/export.py --checkpoint OUT/face.pt --onnx FILE
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from net import FaceDetector, YuNetOutputs
from runtime import Session

WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def name_shapes(path):
    """States the outputs' last dimension, which the exporter leaves unknown."""
    model = onnx.load(str(path))
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[2].dim_value = WIDTHS[output.name.split("_")[0]]
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = FaceDetector()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    named = YuNetOutputs(net.eval())
    x = torch.rand(2, 3, 256, 416) * 255
    with torch.no_grad():
        wanted = [v.numpy() for v in named(x)]
    axes = {"input": {0: "batch", 2: "height", 3: "width"},
            **{n: {0: "batch", 1: "cells_" + n.split("_")[1]} for n in YuNetOutputs.NAMES}}
    torch.onnx.export(named, torch.zeros(1, 3, 320, 320), str(args.onnx), opset_version=13,
                      input_names=["input"], output_names=YuNetOutputs.NAMES, dynamic_axes=axes)
    name_shapes(args.onnx)
    with Session(args.onnx) as session:
        found = session.run({"input": x.numpy()})
    difference = max(np.abs(found[n] - v).max() for n, v in zip(YuNetOutputs.NAMES, wanted))
    if difference > 1e-3:
        raise SystemExit(f"the file differs from the network by {difference:.2e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters; "
          f"differs from the network by at most {difference:.1e}")


if __name__ == "__main__":
    main()
