"""Writes the liveness network as ONNX and checks the file against the network.

python3 models/training/face/liveness/export.py --checkpoint WORK/liveness.pt --onnx FILE
"""
import argparse
import pathlib
import sys

import numpy as np
import torch

from net import Liveness

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = Liveness().eval()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    torch.onnx.export(net, torch.zeros(1, 3, 80, 80), str(args.onnx), opset_version=13, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
    x = torch.rand(3, 3, 80, 80) * 255
    with torch.no_grad(), Session(args.onnx) as session:
        difference = np.abs(session.run({"input": x.numpy()})["output"] - net(x).numpy()).max()
    if difference > 1e-4:
        raise SystemExit(f"the file differs from the network by {difference:.2e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters; "
          f"differs from the network by at most {difference:.1e}")


if __name__ == "__main__":
    main()
