"""Makes scrfd.onnx: a network without training that has the inputs and outputs of InsightFace's SCRFD detectors with landmarks.

Each stride looks at one colour: 8 at red, 16 at green, 32 at blue, averaged over its cells. Where a cell is full of it, the first of the two
anchors scores 0.95 and the second 0.8; boxes and landmarks are the same for every cell.

python3 vision/face/testdata/make_scrfd.py   (Debian's python3-onnx; writes beside itself)
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ANCHORS = 2
BOXES = [[1, 1.5, 2, 2.5], [1.1, 1.6, 2.1, 2.6]]
LANDMARKS = [[-0.5, -0.5, 0.5, -0.5, 0, 0.25, -0.5, 1, 0.5, 1], [0] * 10]


def logit(p):
    return float(np.log(p / (1 - p)))


def main():
    nodes, weights, outputs = [], [], {"score": [], "bbox": [], "kps": []}

    def constant(name, value):
        weights.append(numpy_helper.from_array(np.array(value), name))
        return name

    for channel, stride in enumerate([8, 16, 32]):
        nodes.append(helper.make_node("AveragePool", ["input.1"], [f"mean_{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2))
        for name, per in (("score", 1), ("bbox", 4), ("kps", 10)):
            w = np.zeros((ANCHORS * per, 3, 1, 1), np.float32)
            if name == "score":
                # The input is (x - 127.5) / 128: full colour about 1, none about -1; grey and white must not count.
                w[:, :, 0, 0], b = -8, []
                for a, p in enumerate((0.95, 0.8)):
                    w[a, channel] = 8
                    b.append(logit(p) - 8 * 3 * 127.5 / 128)
            else:
                b = sum(BOXES if name == "bbox" else LANDMARKS, [])
            at = f"{name}_{stride}"
            nodes.append(helper.make_node("Conv", [f"mean_{stride}", constant(f"w_{at}", w), constant(f"b_{at}", np.array(b, np.float32))], [f"c_{at}"]))
            last = f"c_{at}"
            if name == "score":
                nodes.append(helper.make_node("Sigmoid", [last], [f"s_{at}"]))
                last = f"s_{at}"
            nodes.append(helper.make_node("Transpose", [last], [f"t_{at}"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Reshape", [f"t_{at}", constant(f"shape_{at}", np.array([-1, per], np.int64))], [at]))
            outputs[name].append(helper.make_tensor_value_info(at, TensorProto.FLOAT, ["n", per]))
    graph = helper.make_graph(nodes, "scrfd", [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, "h", "w"])],
                              sum(outputs.values(), []), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, str(pathlib.Path(__file__).with_name("scrfd.onnx")))


main()
