"""Writes the trained orientation network as ONNX and checks the file against the network.

python3 models/training/ocr/orient/export.py --checkpoint OUT/orient.pt --onnx FILE
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from net import OrientNet
from runtime import Session
from tiles import TILE


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = OrientNet()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    net.eval()
    x = torch.rand(5, 1, TILE, TILE) * 255
    with torch.no_grad():
        wanted = [v.numpy() for v in net(x)]
    names = ["logits", "vertical"]
    torch.onnx.export(net, torch.zeros(1, 1, TILE, TILE), str(args.onnx), opset_version=13, input_names=["x"], output_names=names,
                      dynamic_axes={n: {0: "tiles"} for n in ["x", *names]})
    onnx.checker.check_model(onnx.load(str(args.onnx)))
    with Session(args.onnx) as session:
        found = session.run({"x": x.numpy()})
    difference = max(np.abs(found[n] - v).max() for n, v in zip(names, wanted))
    if difference > 1e-3:
        raise SystemExit(f"the file differs from the network by {difference:.2e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters; "
          f"differs from the network by at most {difference:.1e}")


if __name__ == "__main__":
    main()
