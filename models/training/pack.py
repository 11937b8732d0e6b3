"""Rewrites a picture network that `quantise.py` made so that it takes bytes and runs faster, with the same answers to the last bit.

python3 models/training/pack.py --onnx IN.onnx --out OUT.onnx

The input becomes uint8 and holds two by two pixels a place, [batch, height/2, width/2, 4 channels], upper left, upper right, lower left, lower right: the
first convolution, 3x3 with stride 2, is one of 2x2 over these, so a few long copies gather what many of three bytes did. What was quantised in the
graph comes quantised; `step` and `zero_point` of the catalogue's entry say how (printed). Nearest-neighbour Resize moves behind the quantisation that follows it.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def swapped(graph):
    """Nearest neighbours are chosen among bytes instead of floats."""
    nodes = list(graph.node)
    for resize in [n for n in nodes if n.op_type == "Resize" and b"nearest" in [a.s for a in n.attribute if a.name == "mode"]]:
        i = next(i for i, n in enumerate(nodes) if n.name == resize.name)
        k = next(k for k, n in enumerate(nodes) if resize.output[0] in n.input)
        quantise = nodes[k]
        if quantise.op_type != "QuantizeLinear":
            raise SystemExit(f"{resize.name} is not followed by QuantizeLinear")
        source, target = resize.input[0], quantise.output[0]
        quantise.input[0], quantise.output[0] = source, target + "_small"
        resize.input[0], resize.output[0] = target + "_small", target
        nodes[i], nodes[k] = quantise, resize
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def packed(graph):
    """Turns the first convolution into one over two by two pixels -> (step, zero point) of the input."""
    constants = {i.name: i for i in graph.initializer}
    x = graph.input[0]
    quantise = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == x.name)
    made = {n.output[0]: n for n in graph.node}
    conv = next(n for n in graph.node if n.op_type == "Conv" and made[n.input[0]].input[0] == quantise.output[0])
    settings = {a.name: a for a in conv.attribute}
    if [list(settings[k].ints) for k in ("kernel_shape", "strides", "pads")] != [[3, 3], [2, 2], [1, 1, 1, 1]]:
        raise SystemExit(f"{conv.name} is no 3x3 convolution of stride 2")
    name = made[conv.input[1]].input[0]
    old = numpy_helper.to_array(constants[name])
    channels = old.shape[1]
    new = np.zeros((old.shape[0], 4 * channels, 2, 2), old.dtype)
    place = {0: (0, 1), 1: (1, 0), 2: (1, 1)}             # of a row or column of the kernel: which place, and which pixel in it
    for dy, (row, lower) in place.items():
        for dx, (column, right) in place.items():
            first = (2 * lower + right) * channels
            new[:, first:first + channels, row, column] = old[:, :, dy, dx]
    constants[name].CopyFrom(numpy_helper.from_array(new, name))
    settings["kernel_shape"].ints[:], settings["strides"].ints[:], settings["pads"].ints[:] = [2, 2], [1, 1], [1, 1, 0, 0]
    x.type.tensor_type.elem_type = TensorProto.UINT8
    for dim, value in zip(x.type.tensor_type.shape.dim, ("batch", "half_height", "half_width", 4 * channels)):
        dim.Clear()
        setattr(dim, "dim_value" if isinstance(value, int) else "dim_param", value)
    step, zero = (numpy_helper.to_array(constants[i]).item() for i in quantise.input[1:])
    nodes = [helper.make_node("Transpose", [x.name], [quantise.output[0]], perm=[0, 3, 1, 2], name="planes")]
    nodes += [n for n in graph.node if n.name != quantise.name]
    del graph.node[:]
    graph.node.extend(nodes)
    return step, zero


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    model = onnx.load(str(args.onnx))
    swapped(model.graph)
    step, zero = packed(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(args.out))
    print(f"{args.out}: {args.out.stat().st_size} bytes; step: {step!r}, zero_point: {zero}, block: 2")


if __name__ == "__main__":
    main()
