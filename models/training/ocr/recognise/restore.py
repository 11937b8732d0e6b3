"""Makes a checkpoint of a published recogniser, so that training can go on where the runs' own checkpoints are not at hand.

python3 models/training/ocr/recognise/restore.py --onnx models/embedded/text-recognise.onnx --samples OUT/lines.npz --out START.pt [--temperature 0.7]

`train.py --begin START.pt` goes on from it. The file's weights are rounded to 7 bits, and stay so until training moves them. Batch normalisation, which the
file has folded into its convolutions, is put back with the statistics of the lines that `samples.py` drew: the network computes what the file does, and
learns as one that was never folded. `--temperature` is the one that the file was exported with.
"""
import argparse
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import folded
from fonts import CHARSET
from net import Recogniser, Unit


@torch.no_grad()
def restore(constants, temperature):
    """The network of a file, its normalisations as yet nothing but the folded biases."""
    net = Recogniser(len(CHARSET) + 1).eval()
    for name, module in net.named_modules():
        exported = "net." + name if name.startswith("trunk.") else name       # the trunk stands inside the wrapper that was exported
        if isinstance(module, Unit):
            folded.fold(module.conv, module.norm, *folded.layer(constants, folded.operator(exported + ".conv"), name + ".conv"))
        elif isinstance(module, torch.nn.Linear) or isinstance(module, torch.nn.Conv2d) and module.bias is not None:
            w, bias = folded.layer(constants, folded.operator(exported), name)
            module.weight.copy_(w), module.bias.copy_(bias)
    net.read.weight *= temperature
    net.read.bias *= temperature
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--temperature", type=float, default=0.7)
    args = parser.parse_args()
    net = restore(folded.constants(args.onnx), args.temperature)
    batches = list(np.load(args.samples).values())
    with torch.no_grad():
        before = net.read(net(torch.from_numpy(batches[0])))
        folded.unfold(net, [(m.conv, m.norm) for m in net.modules() if isinstance(m, Unit)], batches)
        after = net.read(net(torch.from_numpy(batches[0])))
    torch.save({"average": net.state_dict()}, args.out)
    print(f"{args.out}: scores differ by at most {(before - after).abs().max():.2e} of {before.abs().max():.1f} from the network as it was folded")


if __name__ == "__main__":
    main()
