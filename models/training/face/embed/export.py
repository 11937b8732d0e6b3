"""Writes the embedding as ONNX, any batch, and checks the file against the network.

python3 models/training/face/embed/export.py --checkpoint WORK/embed.pt --onnx FILE
"""
import argparse
import pathlib
import sys

import numpy as np
import torch

from net import Embedding

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from runtime import Session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = Embedding().eval()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    torch.onnx.export(net, torch.zeros(1, 3, 112, 112), str(args.onnx), opset_version=13, input_names=["input"], output_names=["embedding"],
                      dynamic_axes={"input": {0: "batch"}, "embedding": {0: "batch"}})
    x = torch.randn(5, 3, 112, 112)
    with torch.no_grad(), Session(args.onnx) as session:
        wanted = net(x).numpy()
        together = session.run({"input": x.numpy()})["embedding"]
        alone = np.concatenate([session.run({"input": x[i:i + 1].numpy()})["embedding"] for i in range(len(x))])
    scale = np.linalg.norm(wanted, axis=1).max()
    difference, neighbours = np.abs(together - wanted).max() / scale, np.abs(together - alone).max() / scale
    if max(difference, neighbours) > 1e-5:
        raise SystemExit(f"the file differs from the network by {difference:.2e}, alone from in a batch by {neighbours:.2e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters; "
          f"differs from the network by at most {difference:.1e}, neighbours in a batch make {neighbours:.1e}, in lengths of the vector")


if __name__ == "__main__":
    main()
