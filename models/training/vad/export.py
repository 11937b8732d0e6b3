"""Writes the trained network as ONNX and checks that windows one at a time give what the whole recording gives.

python3 models/training/vad/export.py --checkpoint OUT/vad.pt --onnx FILE
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from net import CONTEXT, DILATIONS, FFT, FRAMES, HOP, MELS, MEMORY, STATE, WINDOW, VoiceActivity
from runtime import Session


def fold(conv, norm):
    """Weight [out, in] and bias of a pointwise convolution with the batch normalisation that follows it."""
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return conv.weight[:, :, 0] * scale[:, None], norm.bias - norm.running_mean * scale


class StreamingBlock(nn.Module):
    """A block for one window: x [B, HIDDEN] and the past [B, MEMORY, history]."""

    def __init__(self, block, dilation):
        super().__init__()
        self.history, self.dilation = block.history, dilation
        self.project, self.expand = nn.Linear(1, 1), nn.Linear(1, 1)
        self.project.weight, self.project.bias = nn.Parameter(block.project.weight[:, :, 0]), block.project.bias
        weight, bias = fold(block.expand[0], block.expand[1])
        self.expand.weight, self.expand.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.taps = nn.Parameter(block.memory.weight[:, 0].clone())

    def forward(self, x, past):
        p = self.project(x)
        whole = torch.cat([past, p.unsqueeze(2)], 2)
        p = p + (whole[:, :, ::self.dilation] * self.taps).sum(2)
        return x + torch.relu(self.expand(p)), whole[:, :, 1:]


class Streaming(nn.Module):
    """The network for exactly one window, in matrix products: several times faster in ONNX Runtime than convolutions of length one."""

    def __init__(self, net):
        super().__init__()
        self.register_buffer("basis", net.basis[:, 0].clone())
        self.register_buffer("mel", net.mel[:, :, 0].clone())
        weight, bias = fold(net.enter[0], net.enter[1])
        scale = torch.rsqrt(net.normalise.running_var + net.normalise.eps)
        bias = bias - weight @ (net.normalise.running_mean * scale)
        # Trained with the bands outside and the frames inside; here the frames are outside.
        weight = (weight * scale).reshape(-1, MELS, FRAMES).transpose(1, 2).reshape(len(weight), -1)
        self.enter_weight, self.enter_bias = nn.Parameter(weight.contiguous()), nn.Parameter(bias)
        self.blocks = nn.ModuleList(StreamingBlock(block, d) for block, d in zip(net.blocks, DILATIONS))
        self.leave = nn.Linear(len(weight), 1)
        self.leave.weight, self.leave.bias = nn.Parameter(net.leave.weight[:, :, 0]), net.leave.bias

    def forward(self, audio, state):
        audio = torch.cat([state[:, :CONTEXT], audio], 1)
        frames = torch.stack([audio[:, i * HOP:i * HOP + FFT] for i in range(FRAMES)], 1)
        spectrum = F.linear(frames, self.basis)
        power = spectrum[:, :, :FFT // 2 + 1].square() + spectrum[:, :, FFT // 2 + 1:].square()
        mel = torch.log(F.linear(power, self.mel) + 1e-6)
        x = torch.relu(F.linear(mel.reshape(-1, MELS * FRAMES), self.enter_weight, self.enter_bias))
        following, at = [audio[:, WINDOW:]], CONTEXT
        for block in self.blocks:
            size = MEMORY * block.history
            x, past = block(x, state[:, at:at + size].reshape(-1, MEMORY, block.history))
            following.append(past.reshape(-1, size))
            at += size
        return torch.sigmoid(self.leave(x)), torch.cat(following, 1)


def name_shapes(path):
    """States the outputs' shapes, [batch, 1] and [batch, STATE], which the exporter leaves unknown."""
    model = onnx.load(str(path))
    for output, width in zip(model.graph.output, (1, STATE)):
        output.type.tensor_type.shape.dim[0].dim_param = "batch"
        output.type.tensor_type.shape.dim[1].dim_value = width
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    args = parser.parse_args()
    net = VoiceActivity().eval()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["average"])
    names = ["audio", "state", "probability", "state_out"]
    with torch.no_grad():
        torch.onnx.export(Streaming(net), (torch.randn(2, WINDOW) * 0.1, torch.zeros(2, STATE)), str(args.onnx), opset_version=13,
                          input_names=names[:2], output_names=names[2:], dynamic_axes={n: {0: "batch"} for n in names})
        name_shapes(args.onnx)
        audio = (torch.randn(2, 300 * WINDOW) * torch.linspace(0.001, 0.3, 300 * WINDOW)).clamp(-1, 1)
        whole = torch.sigmoid(net(audio, torch.zeros(2, STATE))[0]).numpy()
    state, difference = np.zeros((2, STATE), np.float32), 0.0
    with Session(args.onnx) as session:
        for i in range(whole.shape[1]):
            answer = session.run({"audio": audio[:, i * WINDOW:(i + 1) * WINDOW].numpy(), "state": state})
            state = answer["state_out"]
            difference = max(difference, np.abs(answer["probability"][:, 0] - whole[:, i]).max())
    if difference > 1e-3:
        raise SystemExit(f"streaming differs from the whole recording by {difference:.2e}")
    print(f"streaming differs from the whole recording by at most {difference:.1e} over {whole.shape[1]} windows")
    print(f"{args.onnx}: {args.onnx.stat().st_size} bytes, {sum(p.numel() for p in net.parameters())} trained parameters")


if __name__ == "__main__":
    main()
