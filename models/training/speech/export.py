"""Writes the trained student as ONNX and checks that chunks of any size, in any batch, give what the whole recordings give.

python3 models/training/speech/export.py --checkpoint WORK/speech/ctc.pt [--checkpoint WORK/speech/distilled.pt] --onnx FILE

Of several checkpoints the mean is written (`--weights` 0.8 0.2); blocks beside the chain that one does not have count as nothing.
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from net import BLOCKS, INPUTS, TOKENS, Student
from runtime import Session


class Streaming(nn.Module):
    """The student with its memories' pasts as one tensor [memories, batch, channels, history], narrower and shorter pasts padded with zeros in
    front."""

    def __init__(self, student):
        super().__init__()
        enter, leave = student.enter, student.leave
        weight, bias = enter[0].weight * student.scale, enter[0].bias + enter[0].weight @ (student.scale * student.shift)
        self.enter, self.bottom = nn.Linear(INPUTS, len(bias)), enter[1]
        self.enter.weight, self.enter.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.blocks, self.sides, self.leave = student.blocks, student.sides, leave
        chain = [b for pair in zip(student.blocks, student.sides) for b in pair] if student.sides else list(student.blocks)
        sizes = [(b.taps.shape[0], (b.taps.shape[2] - 1) * getattr(b, "dilation", 1)) for b in chain]
        self.chain = nn.ModuleList(chain)
        self.sizes, self.channels, self.history = sizes, max(c for c, _ in sizes), max(h for _, h in sizes)

    def cache(self, batch):
        return torch.zeros(len(self.sizes), batch, self.channels, self.history)

    def forward(self, x, cache):
        x = self.bottom(self.enter(x)).relu()
        following = []
        for i, (block, (channels, history)) in enumerate(zip(self.chain, self.sizes)):
            side = hasattr(block, "leave")
            p = block.project(x).transpose(1, 2)
            whole = torch.cat([cache[i][:, :channels, self.history - history:], p], 2)
            filtered = nn.functional.conv1d(whole, block.taps, groups=channels, dilation=getattr(block, "dilation", 1))
            out = block.expand(filtered.transpose(1, 2)).relu()
            x = x + block.leave(out) if side else out
            following.append(nn.functional.pad(whole[:, :, -history:], (self.history - history, 0, 0, self.channels - channels)))
        return self.leave(x), torch.stack(following)


def mean(paths, weights):
    """The weighted mean of checkpoints."""
    students = [Student.load(p) for p in paths]
    grown = next((s.size["side"] for s in students if "side" in s.size), None)
    for s in students:
        if grown and "side" not in s.size:
            s.grow(**grown)
            for a, b in zip(s.sides.parameters(), next(t for t in students if t is not s and t.sides).sides.parameters()):
                a.data.copy_(b.data)
            for side in s.sides:
                nn.init.zeros_(side.leave.weight)
    weights = np.array(weights or [1] * len(students)) / (sum(weights) if weights else len(students))
    states = [s.state_dict() for s in students]
    students[0].load_state_dict({k: sum(float(w) * s[k] for w, s in zip(weights, states)) for k in states[0]})
    return students[0].eval()


def describe(path, shapes):
    """States the shapes of the graph's inputs and outputs; texts are free axes."""
    model = onnx.load(str(path))
    for value in (*model.graph.input, *model.graph.output):
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for size in shapes[value.name]:
            dim = shape.dim.add()
            if isinstance(size, str):
                dim.dim_param = size
            else:
                dim.dim_value = size
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def check(path, student, net):
    """-> the largest difference of chunks, in a batch, from the whole recordings one by one; and of those from `student`, relative to the
    logits' deviation. A single row of a single stream is left out: ONNX Runtime multiplies it by another kernel, which rounds differently."""
    torch.manual_seed(1)
    x = torch.randn(3, 120, INPUTS) * 3.5 + 10.5
    whole, parts = student(x).numpy(), []
    with Session(path) as session:
        alone = np.concatenate([session.run({"x": x[i:i + 1].numpy(), "cache": net.cache(1).numpy()})["logits"] for i in range(3)])
        for streams, sizes in (([0, 1, 2], (1, 7, 2, 40, 10, 1, 59)), ([1], (4,) * 30), ([2, 0], (2, 3, 115))):
            cache, at = net.cache(len(streams)).numpy(), 0
            for size in sizes:
                answer = session.run({"x": x[streams, at:at + size].numpy(), "cache": cache})
                parts.append(np.abs(answer["logits"] - alone[streams, at:at + size]).max())
                cache, at = answer["cache_out"], at + size
    return max(parts), np.abs(alone - whole).max() / whole.std()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--weights", type=float, nargs="+")
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    student = mean(args.checkpoint, args.weights)
    net = Streaming(student).eval()
    names = ["x", "cache", "logits", "cache_out"]
    memory = [len(net.sizes), "batch", net.channels, net.history]
    with torch.no_grad():
        torch.onnx.export(net, (torch.randn(2, 10, INPUTS), net.cache(2)), str(args.onnx), opset_version=13, input_names=names[:2], output_names=names[2:],
                          dynamic_axes={"x": {0: "batch", 1: "rows"}, "cache": {1: "batch"}, "logits": {0: "batch", 1: "rows"}, "cache_out": {1: "batch"}})
        describe(args.onnx, {"x": ["batch", "rows", INPUTS], "cache": memory, "logits": ["batch", "rows", TOKENS], "cache_out": memory})
        chunks, exported = check(args.onnx, student, net)
    if chunks > 0 or exported > 1e-3:
        raise SystemExit(f"chunks differ by {chunks:.1e} from the whole, the exported network by {exported:.1e} from the trained")
    print(f"chunks in any batch give the whole recordings' logits bit for bit; the trained network's differ by {exported:.1e} of their deviation")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} parameters, cache {memory}")


if __name__ == "__main__":
    main()
