"""Writes an int8 version of an ONNX model, by static quantisation of its convolutions and matrix products (Jacob et al.: Quantization and
training of neural networks for efficient integer-arithmetic-only inference, CVPR 2018).

python3 models/training/quantise.py --onnx IN.onnx --samples SAMPLES.npz --out OUT.onnx [--keep NODE,...]

SAMPLES.npz holds one array for each run that the ranges of all activations are measured on; the recipes write them. Weights become int8,
symmetric, with a scale for every output channel, and only 7 bits wide; activations uint8 with a scale for every tensor; biases int32. The file is written with
QuantizeLinear and DequantizeLinear around each operator, from which ONNX Runtime makes integer operators; on processors
without 8-bit dot products (VNNI) it may be slower than the original, but not less exact. `--keep` names operators that stay in floating point.
"""
import argparse
import collections
import pathlib
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtime import Session

# Of weights, to either side: 7 bits. AVX2 adds two products of 8-bit numbers in 16 bits, which twice 255 x 127 would overflow.
LEVELS = 64


class Graph:
    """A model's nodes by what they make and use."""

    def __init__(self, model):
        self.model, self.graph = model, model.graph
        self.constants = {i.name: numpy_helper.to_array(i) for i in self.graph.initializer}
        self.made = {o: n for n in self.graph.node for o in n.output}
        self.used = collections.defaultdict(list)
        for n in self.graph.node:
            for i in n.input:
                self.used[i].append(n)
        self.outputs = {o.name for o in self.graph.output}

    def result(self, node):
        """The tensor that leaves the integer operator of `node`: behind the ReLU that it absorbs, if there is one."""
        out = node.output[0]
        if out not in self.outputs and len(self.used[out]) == 1 and self.used[out][0].op_type == "Relu":
            return self.used[out][0].output[0]
        return out


def chosen(g, keep):
    """Convolutions and products with constant weights, and the additions that join the former."""
    names = []
    for n in g.graph.node:
        if n.op_type in ("Conv", "Gemm", "MatMul") and n.input[1] in g.constants and n.name not in keep:
            names.append(n.name)
    kinds = {n.name: n for n in g.graph.node}
    ours = {g.result(kinds[x]) for x in names if kinds[x].op_type == "Conv"}
    for n in g.graph.node:                               # in topological order, so that sums of sums are found as well
        if n.op_type == "Add" and all(i in ours for i in n.input) and n.name not in keep:
            names.append(n.name)
            ours.add(g.result(n))
        elif n.op_type in ("Resize", "DepthToSpace") and n.input[0] in ours and n.name not in keep:
            names.append(n.name)
            ours.add(n.output[0])
    return [kinds[x] for x in names]


def ranges(model, tensors, samples, threads=1):
    """{tensor: (least, greatest)} over all samples; the outermost 1 in 100,000 values of a run are cut off."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_tensor_value_info(t, TensorProto.FLOAT, None) for t in tensors)
    found = {t: [] for t in tensors}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "probe.onnx"
        onnx.save(probe, str(path))
        with Session(path, threads) as session:
            for x in samples:
                for name, value in session.run({model.graph.input[0].name: x}).items():
                    if value.size:
                        found[name].append(np.quantile(value, (1e-5, 1 - 1e-5)))
    return {t: (min(v[0] for v in rows), max(v[1] for v in rows)) for t, rows in found.items()}


def moments(model, tensor, samples, threads=1):
    """[n, n]: the mean of the products of a tensor's n columns, over all its rows in all samples."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    total, rows = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "probe.onnx"
        onnx.save(probe, str(path))
        with Session(path, threads) as session:
            for x in samples:
                value = session.run({model.graph.input[0].name: x})[tensor].astype(np.float64)
                total, rows = total + value.T @ value, rows + len(value)
    return total / rows


def rounded(weights, scale, products):
    """Weights [m, n] in steps of scale [m], each column's rounding error made good by the columns after it, as far as inputs with these mean
    `products` [n, n] allow (Frantar et al.: GPTQ, ICLR 2023). A classifier of thousands of like classes needs it: rounded one by one, 7 bits cost it
    a third of a point."""
    n = len(products)
    spread = np.linalg.cholesky(np.linalg.inv(products + 0.01 * np.trace(products) / n * np.eye(n))).T
    weights, out = weights.astype(np.float64), np.zeros(weights.shape, np.int8)
    for i in range(n):
        out[:, i] = np.clip(np.round(weights[:, i] / scale), -LEVELS, LEVELS)
        error = (weights[:, i] - out[:, i] * scale) / spread[i, i]
        weights[:, i + 1:] -= error[:, None] * spread[i, i + 1:]
    return out


def quantise(model, samples, keep=()):
    """Returns the int8 version of a model."""
    for i, n in enumerate(model.graph.node):
        n.name = n.name or f"{n.op_type}_{i}"
    g = Graph(model)
    nodes = chosen(g, set(keep))
    inner = {g.result(n) for n in nodes if n.op_type in ("Conv", "Add", "Resize", "DepthToSpace")} - g.outputs
    wanted = sorted(inner | {i for n in nodes for i in n.input[:1 if n.op_type != "Add" else 2]})
    span = ranges(model, wanted, samples)
    done = {n.name for n in nodes}
    products = {n.name: moments(model, n.input[0], samples) for n in nodes if n.op_type == "Gemm" and any(a.name == "transB" and a.i for a in n.attribute)}
    scales, before, fresh = {}, collections.defaultdict(list), []

    def constant(name, value):
        fresh.append(numpy_helper.from_array(value, name))
        return name

    def quantised(tensor):
        """The name of `tensor` after it went through 8 bits; made once."""
        if tensor in scales:
            return tensor + "_dq"
        low, high = min(span[tensor][0], 0.0), max(span[tensor][1], 0.0)
        scale = np.float32(max((high - low) / 255, 1e-8))
        zero = np.uint8(np.clip(round(-low / scale), 0, 255))
        scales[tensor] = scale
        s, z = constant(tensor + "_scale", np.array(scale)), constant(tensor + "_zero", np.array(zero))
        pair = [helper.make_node("QuantizeLinear", [tensor, s, z], [tensor + "_q"], name=tensor + "_quantise"),
                helper.make_node("DequantizeLinear", [tensor + "_q", s, z], [tensor + "_dq"], name=tensor + "_dequantise")]
        before[tensor] = pair
        return tensor + "_dq"

    for n in nodes:
        inputs = 2 if n.op_type == "Add" else 1
        for i in range(inputs):
            n.input[i] = quantised(n.input[i])
        if n.op_type in ("Conv", "Gemm", "MatMul"):
            weights = g.constants[n.input[1]].astype(np.float32)
            axis = 0 if n.op_type == "Conv" or any(a.name == "transB" and a.i for a in n.attribute) else 1
            others = tuple(i for i in range(weights.ndim) if i != axis)
            scale = np.maximum(np.abs(weights).max(others) / LEVELS, 1e-8).astype(np.float32)
            shape = [-1 if i == axis else 1 for i in range(weights.ndim)]
            if n.name in products:
                steps = rounded(weights, scale, products[n.name])
            else:
                steps = np.clip(np.round(weights / scale.reshape(shape)), -LEVELS, LEVELS).astype(np.int8)
            w = constant(n.name + "_w_q", steps)
            s, z = constant(n.name + "_w_scale", scale), constant(n.name + "_w_zero", np.zeros(len(scale), np.int8))
            before[n.name].append(helper.make_node("DequantizeLinear", [w, s, z], [n.name + "_w_dq"], name=n.name + "_w", axis=axis))
            n.input[1] = n.name + "_w_dq"
            if len(n.input) > 2 and n.input[2] in g.constants:
                step = (scales[n.input[0][:-3]] * scale).astype(np.float32)
                b = constant(n.name + "_b_q", np.clip(np.round(g.constants[n.input[2]] / step), -2**31, 2**31 - 1).astype(np.int32))
                s, z = constant(n.name + "_b_scale", step), constant(n.name + "_b_zero", np.zeros(len(step), np.int32))
                before[n.name].append(helper.make_node("DequantizeLinear", [b, s, z], [n.name + "_b_dq"], name=n.name + "_b", axis=0))
                n.input[2] = n.name + "_b_dq"
    # What leaves an integer operator is 8 bits wide for everyone who uses it, the floating-point operators too.
    for tensor in inner:
        quantised(tensor)
        for user in g.used[tensor]:
            if user.name not in done:
                user.input[:] = [tensor + "_dq" if i == tensor else i for i in user.input]
    ordered = []
    for tensor in [i.name for i in g.graph.input]:
        ordered += before.pop(tensor, [])
    for n in g.graph.node:
        ordered += before.pop(n.name, [])
        ordered.append(n)
        for o in n.output:
            ordered += before.pop(o, [])
    del g.graph.node[:]
    g.graph.node.extend(ordered)
    g.graph.initializer.extend(fresh)
    needed = {i for n in g.graph.node for i in n.input}
    kept = [i for i in g.graph.initializer if i.name in needed]
    del g.graph.initializer[:]
    g.graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--keep", default="", help="names of operators that stay in floating point, separated by commas")
    args = parser.parse_args()
    samples = list(np.load(args.samples).values())
    model = quantise(onnx.load(str(args.onnx)), samples, [k for k in args.keep.split(",") if k])
    onnx.save(model, str(args.out))
    print(f"{args.out}: {args.out.stat().st_size} bytes, {args.onnx.stat().st_size} before, ranges of {len(samples)} runs")


if __name__ == "__main__":
    main()
