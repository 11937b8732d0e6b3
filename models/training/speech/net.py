"""The networks: the teacher as it is, and the student.

Both are chains of feed-forward sequential memory blocks (Zhang et al. 2018): project to the memory's channels, remember in each channel a
stretch of the past, expand, rectify. All is causal; what they tell of the sound 240 ms ago they have learnt so. Shapes: features
[B, T, 400], hidden [B, T, width], logits [B, T, tokens].
"""
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F

INPUTS, TOKENS = 400, 2599
BLOCKS = 4
DELAY = 8  # rows of 30 ms


def remember(p, taps, dilation=1, past=None):
    """p [B, T, C] filtered along time by taps [C, 1, K]: [B, T, C]; `past` [B, C, (K-1)*dilation] precedes it, else zeros."""
    p = p.transpose(1, 2)
    history = (taps.shape[2] - 1) * dilation
    p = F.pad(p, (history, 0)) if past is None else torch.cat([past, p], 2)
    return F.conv1d(p, taps, groups=taps.shape[0], dilation=dilation).transpose(1, 2)


class Teacher:
    """`cfsmn_char2599_streaming`, read from its ONNX file."""

    def __init__(self, path):
        values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in onnx.load(str(path)).graph.initializer}
        matrices = [values[f"onnx::MatMul_{120 + i}"] for i in range(12)]
        bias = [values[f"mods.{i}.bias"] for i in (0, 1, 5, 9, 13, 17, 19, 20)]
        self.shift, self.scale = values["sh"], values["sc"]
        self.enter = [(matrices[0], bias[0]), (matrices[1], bias[1])]
        self.blocks = [(matrices[2 + 2 * i], values[f"mods.{4 + 4 * i}.weight"], matrices[3 + 2 * i], bias[2 + i]) for i in range(BLOCKS)]
        self.leave = [(matrices[10], bias[6]), (matrices[11], bias[7])]
        self.hidden = matrices[1].shape[1]

    @torch.no_grad()
    def __call__(self, x):
        """-> (what enters each rectifier, five of [B, T, hidden]; logits)."""
        x = (x + self.shift) * self.scale
        for matrix, bias in self.enter:
            x = x @ matrix + bias
        before = [x]
        for project, taps, expand, bias in self.blocks:
            before.append(remember(before[-1].relu() @ project, taps) @ expand + bias)
        x = before[-1].relu()
        for matrix, bias in self.leave:
            x = x @ matrix + bias
        return before, x


class Block(nn.Module):
    """hidden [B, T, inputs] -> what enters the next rectifier, [B, T, outputs]."""

    def __init__(self, inputs, memory, taps, outputs):
        super().__init__()
        self.project = nn.Linear(inputs, memory, bias=False)
        self.taps = nn.Parameter(torch.randn(memory, 1, taps) * 0.1)
        self.expand = nn.Linear(memory, outputs)
        with torch.no_grad():
            self.taps[:, 0, -3] += 0.7

    def forward(self, x, past=None):
        return self.expand(remember(self.project(x), self.taps, 1, past))


class Side(nn.Module):
    """A block beside the chain, added to the hidden values: it begins as nothing and learns what the teacher did not know."""

    def __init__(self, width, memory, taps, dilation, inner):
        super().__init__()
        self.dilation = dilation
        self.project = nn.Linear(width, memory, bias=False)
        self.taps = nn.Parameter(torch.randn(memory, 1, taps) * 0.2)
        self.expand = nn.Linear(memory, inner)
        self.leave = nn.Linear(inner, width, bias=False)
        with torch.no_grad():
            self.taps[:, 0, -1] += 1
        nn.init.zeros_(self.leave.weight)

    def forward(self, x, past=None):
        return x + self.leave(self.expand(remember(self.project(x), self.taps, self.dilation, past)).relu())


class Student(nn.Module):
    """features [B, T, 400] -> logits [B, T, 2599]. `enter` and `leave` are each one linear map kept as a product of two."""

    def __init__(self, width=250, memory=192, taps=14, bottleneck=192):
        super().__init__()
        self.size = {"width": width, "memory": memory, "taps": taps, "bottleneck": bottleneck}
        self.register_buffer("shift", torch.zeros(INPUTS))
        self.register_buffer("scale", torch.ones(INPUTS))
        self.enter = nn.Sequential(nn.Linear(INPUTS, bottleneck), nn.Linear(bottleneck, width))
        self.blocks = nn.ModuleList(Block(width, memory, taps, width) for _ in range(BLOCKS))
        self.sides = nn.ModuleList()
        self.leave = nn.Sequential(nn.Linear(width, bottleneck), nn.Linear(bottleneck, TOKENS))

    def grow(self, memory=128, taps=8, dilation=2, inner=320):
        """Adds a block beside the chain after each of its blocks; what the network gives does not change."""
        self.size["side"] = {"memory": memory, "taps": taps, "dilation": dilation, "inner": inner}
        self.sides = nn.ModuleList(Side(self.size["width"], memory, taps, dilation, inner) for _ in range(BLOCKS))
        return self

    def normalise(self, x):
        return (x + self.shift) * self.scale

    def forward(self, x):
        x = self.enter(self.normalise(x)).relu()
        for i, block in enumerate(self.blocks):
            x = block(x).relu()
            if self.sides:
                x = self.sides[i](x)
        return self.leave(x)

    def save(self, path, **more):
        torch.save({"size": self.size, "state": self.state_dict(), **more}, path)

    @classmethod
    def load(cls, path):
        saved = torch.load(path, map_location="cpu")
        size = dict(saved["size"])
        side = size.pop("side", None)
        student = cls(**size)
        if side:
            student.grow(**side)
        student.load_state_dict(saved["state"])
        return student
