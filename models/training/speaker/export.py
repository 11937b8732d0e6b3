"""Writes the trained network as ONNX and checks that it gives there what it gave in training.

python3 models/training/speaker/export.py --checkpoint WORK/speaker/speaker.pt --onnx models/embedded/speaker.onnx
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from net import EMBEDDING, MELS, Embedder
from runtime import Session


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = Embedder().eval()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    torch.onnx.export(net, torch.randn(2, 198, MELS), str(args.onnx), opset_version=13, input_names=["feats"], output_names=["embs"],
                      dynamic_axes={"feats": {0: "B", 1: "T"}, "embs": {0: "B"}})
    model = onnx.load(str(args.onnx))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = EMBEDDING
    onnx.checker.check_model(model)
    onnx.save(model, str(args.onnx))
    difference = 0.0
    with Session(args.onnx) as session:
        for batch, frames in ((1, 38), (3, 148), (2, 998)):
            feats = torch.randn(batch, frames, MELS) * 2
            with torch.no_grad():
                wanted = net(feats).numpy()
            difference = max(difference, np.abs(session.run({"feats": feats.numpy()})["embs"] - wanted).max())
    if difference > 1e-3:
        raise SystemExit(f"the exported network differs by {difference:.2e}")
    print(f"differs by at most {difference:.1e}")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters")


if __name__ == "__main__":
    main()
