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
import onnx
import torch
from onnx import numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fonts import CHARSET
from net import Recogniser, Unit


def operator(module):
    """The name that PyTorch's exporter gives the operator of a module: trunk.2.first.conv -> /net/trunk/trunk.2/first/conv/."""
    parts = []
    for p in module.split("."):
        parts.append(f"{parts[-1]}.{p}" if p.isdigit() else p)
    return "/" + "/".join((["net"] if parts[0] == "trunk" else []) + parts) + "/"


def layer(constants, module):
    """A layer's weights and bias in float32, in PyTorch's order, from the constants of a file that `quantise.py` wrote."""
    name = next(n[:-4] for n in constants if n.startswith(operator(module)) and n.endswith("_w_q"))
    steps, scale = constants[name + "_w_q"].astype(np.float32), constants[name + "_w_scale"]
    if name.endswith("MatMul"):                  # a linear layer over several axes: transposed, and its bias is added in floating point
        return torch.from_numpy((steps * scale).T.copy()), torch.from_numpy(constants[f"net.{module}.bias"].copy())
    w = steps * scale.reshape(-1, *[1] * (steps.ndim - 1))
    return torch.from_numpy(w), torch.from_numpy(constants[name + "_b_q"].astype(np.float32) * constants[name + "_b_scale"])


@torch.no_grad()
def restore(constants, temperature):
    """The network of a file, its normalisations as yet nothing but the folded biases."""
    net = Recogniser(len(CHARSET) + 1).eval()
    for name, module in net.named_modules():
        if isinstance(module, Unit):
            w, bias = layer(constants, name + ".conv")
            module.conv.weight.copy_(w), module.norm.bias.copy_(bias)
            module.norm.weight.fill_(1), module.norm.running_mean.zero_(), module.norm.running_var.fill_(1 - module.norm.eps)
        elif isinstance(module, torch.nn.Linear) or isinstance(module, torch.nn.Conv2d) and module.bias is not None:
            w, bias = layer(constants, name)
            module.weight.copy_(w), module.bias.copy_(bias)
    net.read.weight *= temperature
    net.read.bias *= temperature
    return net


@torch.no_grad()
def unfold(net, batches):
    """Gives every unit of `net` the statistics of its convolution's outputs on `batches` of pictures, and weights as large as those that training starts
    with: a rate of learning is meant for their size, which normalisation makes good. What the network computes stays the same."""
    units = [m for m in net.modules() if isinstance(m, Unit)]
    sums = {u: [torch.zeros(len(u.norm.bias), dtype=torch.float64) for _ in range(2)] for u in units}
    counts = dict.fromkeys(units, 0)

    def note(unit):
        def hook(_, inputs, out):
            out = out.double()
            sums[unit][0] += out.sum((0, 2, 3))
            sums[unit][1] += out.square().sum((0, 2, 3))
            counts[unit] += out[:, 0].numel()
        return unit.conv.register_forward_hook(hook)

    hooks = [note(u) for u in units]
    for x in batches:
        net(torch.from_numpy(x))
    for h in hooks:
        h.remove()
    for u in units:
        mean = sums[u][0] / counts[u]
        variance = sums[u][1] / counts[u] - mean.square()
        w = u.conv.weight
        larger = (2 / w[0].numel()) ** 0.5 / w.flatten(1).square().mean(1).sqrt().clamp(min=1e-6).double()
        u.norm.bias += mean.float()
        w *= larger.float()[:, None, None, None]
        u.norm.running_mean.copy_(mean * larger)
        u.norm.running_var.copy_(variance * larger.square())
        u.norm.weight.copy_((u.norm.running_var.double() + u.norm.eps).sqrt() / larger)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--temperature", type=float, default=0.7)
    args = parser.parse_args()
    constants = {i.name: numpy_helper.to_array(i) for i in onnx.load(str(args.onnx)).graph.initializer}
    net = restore(constants, args.temperature)
    batches = list(np.load(args.samples).values())
    with torch.no_grad():
        before = net.read(net(torch.from_numpy(batches[0])))
        unfold(net, batches)
        after = net.read(net(torch.from_numpy(batches[0])))
    torch.save({"average": net.state_dict()}, args.out)
    print(f"{args.out}: scores differ by at most {(before - after).abs().max():.2e} of {before.abs().max():.1f} from the network as it was folded")


if __name__ == "__main__":
    main()
