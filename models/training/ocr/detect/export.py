"""Writes the trained detector as ONNX with the `dbnet` family's interface, batch normalisation folded, and checks the file against the network.

python3 models/training/ocr/detect/export.py --checkpoint OUT/detect.pt --onnx FILE
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from net import Maps, TextDetector
from runtime import Session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(args.checkpoint, map_location="cpu")
    net = TextDetector()
    net.load_state_dict(saved["average"])
    maps = Maps(net.eval())
    x = torch.randn(2, 3, 224, 352)
    with torch.no_grad():
        wanted = maps(x).numpy()
    # The traced size must not become a constant: the upsampling is by scale, so all three axes stay free.
    torch.onnx.export(maps, torch.zeros(1, 3, 320, 320), str(args.onnx), opset_version=13, input_names=["x"], output_names=["maps"],
                      dynamic_axes={"x": {0: "batch", 2: "height", 3: "width"}, "maps": {0: "batch", 2: "map_height", 3: "map_width"}})
    model = onnx.load(str(args.onnx))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1
    onnx.checker.check_model(model)
    onnx.save(model, str(args.onnx))
    with Session(args.onnx) as session:
        found = session.run({"x": x.numpy()})["maps"]
    difference = np.abs(found - wanted).max()
    if found.shape != wanted.shape or difference > 1e-4:
        raise SystemExit(f"the file differs from the network by {difference:.2e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters, step {saved['step']}; "
          f"differs from the network by at most {difference:.1e}")


if __name__ == "__main__":
    main()
