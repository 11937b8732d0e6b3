"""Makes a checkpoint of a published detector, so that training can go on where the runs' own checkpoints are not at hand.

python3 models/training/ocr/detect/restore.py --onnx models/embedded/text-detect.onnx --samples OUT/pages.npz --out OUT/detect.pt

`train.py --out OUT` goes on from it, with an optimiser that knows nothing yet. The file's weights are rounded to 7 bits, and stay so until training moves
them. Batch normalisation, which the file has folded into its convolutions, is put back with the statistics of the pages that `samples.py` chose: the network
computes what the file does, and learns as one that was never folded.
"""
import argparse
import pathlib
import sys

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import folded
from net import TextDetector


def unpacked(weight):
    """The first convolution's weights, 3x3 over pixels, of those that `pack.py` made 2x2 over places of two by two pixels."""
    channels, place = weight.shape[1] // 4, {0: (0, 1), 1: (1, 0), 2: (1, 1)}    # of a row or column of the kernel: which place, and which pixel in it
    plain = torch.zeros(weight.shape[0], channels, 3, 3)
    for dy, (row, lower) in place.items():
        for dx, (column, right) in place.items():
            first = (2 * lower + right) * channels
            plain[:, :, dy, dx] = weight[:, first:first + channels, row, column]
    return plain


@torch.no_grad()
def restore(known):
    """-> the network of a file, its normalisations as yet nothing but the folded biases; its pairs of convolution and normalisation."""
    net, units = TextDetector().eval(), []
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            # The lateral convolutions are called one by one, so no operator bears their list's name.
            weight, bias = folded.layer(known, folded.operator("net." + name).replace("/lateral/", "/"), name)
            if module.bias is None:
                units.append((module, net.get_submodule(name[:-1] + "1")))
                folded.fold(*units[-1], weight if weight.shape == module.weight.shape else unpacked(weight), bias)
            else:
                module.weight.copy_(weight), module.bias.copy_(bias)
    return net, units


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net, units = restore(folded.constants(args.onnx))
    batches = list(np.load(args.samples).values())
    with torch.no_grad():
        before = net(torch.from_numpy(batches[0]))
        folded.unfold(net, units, batches)
        after = net(torch.from_numpy(batches[0]))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"net": net.state_dict(), "average": net.state_dict()}, args.out)
    print(f"{args.out}: scores differ by at most {(before - after).abs().max():.2e} of {before.abs().max():.1f} from the network as it was folded")


if __name__ == "__main__":
    main()
