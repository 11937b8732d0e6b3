#!/usr/bin/python3
"""Writes the tiny ONNX models that the engine's tests run, the same bytes every time. Needs Debian's python3-onnx.

tiny.onnx     x[B,4], state[2,B,3] -> y[B,2] = softmax(relu(xW+b)V), stateN[2,B,3] = tanh(state + xU); batch axes 0 and 1
picture.onnx  x[B,3,H,W] -> map[B,1,H,W], a 3x3 convolution and a sigmoid: open height and width, as detectors have
slow.onnx     x[B,256], steps[] (int64) -> y[B,256]: a loop of `steps` matrix products, to be stopped while it runs
found.onnx    x[N] -> indices[1,M] of the numbers that are not zero: an output whose shape depends on values
fixed.onnx    x[1,4] -> y[1,4] = 2x: a model that can't be batched
"""
import pathlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
OPSET = [helper.make_opsetid("", 15)]
rng = np.random.default_rng(20260101)


def weights(name, *shape, scale=0.5):
    return numpy_helper.from_array((rng.standard_normal(shape) * scale).astype(np.float32), name)


def value(name, *shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, list(shape))


def save(name, graph):
    model = helper.make_model(graph, opset_imports=OPSET, producer_name="courtsense tests")
    model.ir_version = 8
    checker.check_model(model)
    (HERE / name).write_bytes(model.SerializeToString())


save("tiny.onnx", helper.make_graph(
    [
        helper.make_node("MatMul", ["x", "W"], ["h0"]),
        helper.make_node("Add", ["h0", "b"], ["h1"]),
        helper.make_node("Relu", ["h1"], ["h2"]),
        helper.make_node("MatMul", ["h2", "V"], ["h3"]),
        helper.make_node("Softmax", ["h3"], ["y"], axis=-1),
        helper.make_node("MatMul", ["x", "U"], ["u0"]),
        helper.make_node("Add", ["state", "u0"], ["u1"]),
        helper.make_node("Tanh", ["u1"], ["stateN"]),
    ],
    "tiny",
    [value("x", "B", 4), value("state", 2, "B", 3)],
    [value("y", "B", 2), value("stateN", 2, "B", 3)],
    [weights("W", 4, 8), weights("b", 8), weights("V", 8, 2), weights("U", 4, 3)],
))

save("picture.onnx", helper.make_graph(
    [
        helper.make_node("Conv", ["x", "W", "b"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["c"], ["map"]),
    ],
    "picture",
    [value("x", "B", 3, "H", "W")],
    [value("map", "B", 1, "H", "W")],
    [weights("W", 1, 3, 3, 3), weights("b", 1)],
))

body = helper.make_graph(
    [
        helper.make_node("MatMul", ["carried", "R"], ["m"]),
        helper.make_node("Tanh", ["m"], ["next"]),
        helper.make_node("Identity", ["go"], ["go_on"]),
    ],
    "body",
    [value("i", dtype=TensorProto.INT64), value("go", dtype=TensorProto.BOOL), value("carried", "B", 256)],
    [value("go_on", dtype=TensorProto.BOOL), value("next", "B", 256)],
)
save("slow.onnx", helper.make_graph(
    [
        # A matrix from few numbers keeps the file small.
        helper.make_node("MatMul", ["r0", "r1"], ["R"]),
        helper.make_node("Loop", ["steps", "", "x"], ["y"], body=body),
    ],
    "slow",
    [value("x", "B", 256), value("steps", dtype=TensorProto.INT64)],
    [value("y", "B", 256)],
    [weights("r0", 256, 1), weights("r1", 1, 256)],
))

save("fixed.onnx", helper.make_graph(
    [helper.make_node("Add", ["x", "x"], ["y"])],
    "fixed", [value("x", 1, 4)], [value("y", 1, 4)],
))

save("found.onnx", helper.make_graph(
    [helper.make_node("NonZero", ["x"], ["indices"])],
    "found", [value("x", "N")], [value("indices", 1, "M", dtype=TensorProto.INT64)],
))
