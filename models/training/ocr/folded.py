"""Takes a network back from a file in which `quantise.py` has folded its normalisation, so that training can go on from it."""
import numpy as np
import onnx
import torch
from onnx import numpy_helper


def constants(path):
    """A file's constants by their names."""
    return {i.name: numpy_helper.to_array(i) for i in onnx.load(str(path)).graph.initializer}


def operator(module):
    """The name that PyTorch's exporter gives the operator of a module: net.trunk.2.first.conv -> /net/trunk/trunk.2/first/conv/."""
    parts = []
    for p in module.split("."):
        parts.append(f"{parts[-1]}.{p}" if p.isdigit() else p)
    return "/" + "/".join(parts) + "/"


def layer(known, name, module):
    """Weights and bias in float32, in PyTorch's order, of the layer whose operator's name begins with `name`; `module` is its place in the network."""
    name = next(n[:-4] for n in known if n.startswith(name) and n.endswith("_w_q"))
    steps, scale = known[name + "_w_q"].astype(np.float32), known[name + "_w_scale"]
    if name.endswith("MatMul"):                  # a linear layer over several axes: transposed, and its bias is added in floating point
        return torch.from_numpy((steps * scale).T.copy()), torch.from_numpy(known[f"net.{module}.bias"].copy())
    w = steps * scale.reshape(-1, *[1] * (steps.ndim - 1))
    return torch.from_numpy(w), torch.from_numpy(known[name + "_b_q"].astype(np.float32) * known[name + "_b_scale"])


@torch.no_grad()
def fold(conv, norm, weight, bias):
    """Gives a convolution and its normalisation what a file holds of the two."""
    conv.weight.copy_(weight), norm.bias.copy_(bias)
    norm.weight.fill_(1), norm.running_mean.zero_(), norm.running_var.fill_(1 - norm.eps)


@torch.no_grad()
def unfold(net, units, batches):
    """Gives every pair (convolution, normalisation) of `units` the statistics of the convolution's outputs on `batches` of pictures, and weights as large as
    those that training starts with: a rate of learning is meant for their size, which normalisation makes good. What the network computes stays the same."""
    sums = [[torch.zeros(len(norm.bias), dtype=torch.float64) for _ in range(2)] for _, norm in units]
    counts = [0] * len(units)

    def note(i):
        def hook(_, inputs, out):
            out = out.double()
            sums[i][0] += out.sum((0, 2, 3))
            sums[i][1] += out.square().sum((0, 2, 3))
            counts[i] += out[:, 0].numel()
        return units[i][0].register_forward_hook(hook)

    hooks = [note(i) for i in range(len(units))]
    for x in batches:
        net(torch.from_numpy(x))
    for h in hooks:
        h.remove()
    for (conv, norm), (total, squares), count in zip(units, sums, counts):
        mean = total / count
        variance = squares / count - mean.square()
        larger = (2 / conv.weight[0].numel()) ** 0.5 / conv.weight.flatten(1).square().mean(1).sqrt().clamp(min=1e-6).double()
        norm.bias += mean.float()
        conv.weight *= larger.float()[:, None, None, None]
        norm.running_mean.copy_(mean * larger)
        norm.running_var.copy_(variance * larger.square())
        norm.weight.copy_((norm.running_var.double() + norm.eps).sqrt() / larger)
