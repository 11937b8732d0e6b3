"""Writes the trained detector as ONNX with YuNet's interface: python3 models/training/face/export.py --checkpoint OUT/face.pt --onnx FILE."""
import argparse
import pathlib

import torch

from net import FaceDetector, YuNetOutputs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = FaceDetector()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    axes = {"input": {0: "batch", 2: "height", 3: "width"}, **{n: {0: "batch", 1: "cells"} for n in YuNetOutputs.NAMES}}
    torch.onnx.export(YuNetOutputs(net.eval()), torch.zeros(1, 3, 320, 320), str(args.onnx), opset_version=13,
                      input_names=["input"], output_names=YuNetOutputs.NAMES, dynamic_axes=axes)
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters")


if __name__ == "__main__":
    main()
