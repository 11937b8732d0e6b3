"""Exports tiny streaming networks with the tensors, names and metadata of the ones that icefall exports and sherpa-onnx publishes, for
tests that must not depend on downloads.

python3 models/training/speech/tiny_transducer.py [--out speech/acoustic/testdata]

Needs torch, onnx, numpy. The weights are random (seeded) and recognise nothing. What they are for is the way of the numbers:

  zipformer/    encoder, decoder, joiner; states cached_len, _avg, _key, _val, _val2, _conv1, _conv2 per stack (batch axis 1 or 2)
  zipformer2/   encoder, decoder, joiner; states cached_key, _nonlin_attn, _val1, _val2, _conv1, _conv2 per layer, embed_states,
                processed_lens (batch axis 0 or 1)
  ctc/          one network of the kind zipformer2 with log_probs
  FOLDER/*.int8.onnx   the same with dynamically quantised products

The layers are much reduced, but each state does what it does in the real network: the keys and values of frames gone by, the ends of
convolutions, a running mean, the number of frames heard. FOLDER/whole.f32 holds what the network makes of a recording when it is given
all of it at once, without any state: computed here by other code (masks over the whole sequence instead of caches) from features of
other code (speech/fbank/testdata/golden.py). Streaming must come to the same."""
import argparse
import importlib.util
import math
import pathlib

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHUNK, LEFT, DOWN = 32, 16, [1, 2]  # rows of features in a step; frames of 20 ms that attention looks back, by stack divided
DIMS, HEADS, KEY, VALUE, KERNEL, EMBED = [12, 16], 2, 4, 3, 5, 4
JOIN, CONTEXT = 10, 2
TOKENS = ["<blk>", "<sos/eos>", "<unk>", *"法庭原被告请求判令退还款", "▁A", "B"]
STEP = CHUNK // 2  # frames of 20 ms in a chunk
SOUND = (12000, 52345)  # of the recording: first sample, samples


def golden():
    path = ROOT / "speech/fbank/testdata/golden.py"
    spec = importlib.util.spec_from_file_location("golden", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weight(*shape):
    fan = math.prod(shape[:-1]) if len(shape) == 2 else math.prod(shape[1:])
    return nn.Parameter(torch.randn(*shape) / math.sqrt(max(fan, 1)) * 1.4)


class Subsampling(nn.Module):
    """[N, T, 80] to [N, (T - 7) // 2, channels, 19]; three convolutions."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = weight(EMBED, 1, 3, 3), weight(EMBED, EMBED, 3, 3), weight(EMBED, EMBED, 3, 3)

    def forward(self, x):
        x = torch.tanh(F.conv2d((x * 0.2).unsqueeze(1), self.a, padding=(0, 1)))
        x = torch.tanh(F.conv2d(x, self.b, stride=2))
        return torch.tanh(F.conv2d(x, self.c, stride=(1, 2)))  # [N, C, frames, 19]


def halve(x):
    """[N, T, D] to [N, T / 2, D]: means of pairs."""
    return (x[:, 0::2] + x[:, 1::2]) * 0.5


def double(x):
    return torch.stack([x, x], dim=2).flatten(1, 2)


def scaled(x):
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + 0.1)


def attend(q, k, v, mask):
    """q [N, Q, heads * KEY], k [N, K, heads * KEY], v [N, K, heads * W], mask true where nothing may be seen."""
    n, count = q.shape[0], q.shape[1]
    q = q.reshape(n, count, HEADS, -1).permute(0, 2, 1, 3)
    k = k.reshape(n, -1, HEADS, KEY).permute(0, 2, 3, 1)
    v = v.reshape(n, k.shape[3], HEADS, -1).permute(0, 2, 1, 3)
    scores = torch.matmul(q, k)
    if mask is not None:
        scores = scores.masked_fill(mask, -1000.0)
    return torch.matmul(scores.softmax(dim=-1), v).permute(0, 2, 1, 3).flatten(2)


class Layer2(nn.Module):
    """One layer of the kind zipformer2."""

    def __init__(self, dim, kernel=KERNEL):
        super().__init__()
        self.dim, self.kernel, self.hidden = dim, kernel, 3 * dim // 4
        self.q, self.k = weight(dim, HEADS * KEY), weight(dim, HEADS * KEY)
        self.v1, self.o1 = weight(dim, HEADS * VALUE), weight(HEADS * VALUE, dim)
        self.v2, self.o2 = weight(dim, HEADS * VALUE), weight(HEADS * VALUE, dim)
        self.n, self.on = weight(dim, self.hidden), weight(self.hidden, dim)
        self.causal = nn.ParameterList([weight(dim, 1, kernel // 2 + 1) for _ in range(2)])
        self.within = nn.ParameterList([weight(dim, 1, kernel) for _ in range(2)])

    def nonlin(self, q, k, h, mask):
        """The first head's attention over h."""
        scores = torch.matmul(q[..., :KEY], k[..., :KEY].transpose(1, 2)).masked_fill(mask, -1000.0)
        return torch.matmul(torch.matmul(scores.softmax(dim=-1), h), self.on)

    def conv(self, i, x, before):
        """x [N, D, T] of one chunk, before [N, D, kernel // 2]."""
        causal = F.conv1d(torch.cat([before, x], dim=2), self.causal[i], groups=self.dim)
        return torch.tanh(causal + F.conv1d(x, self.within[i], padding=self.kernel // 2, groups=self.dim))

    def stream(self, x, state, mask):
        key, nonlin, val1, val2, conv1, conv2 = state
        left = key.shape[0]
        q, k = x @ self.q, torch.cat([key.permute(1, 0, 2), x @ self.k], dim=1)
        v = torch.cat([val1.permute(1, 0, 2), x @ self.v1], dim=1)
        out = x + attend(q, k, v, mask.unsqueeze(1)) @ self.o1
        h = torch.cat([nonlin.squeeze(0), torch.tanh(out @ self.n)], dim=1)
        out = out + self.nonlin(q, k, h, mask)
        y = out.transpose(1, 2)
        out = out + self.conv(0, y, conv1).transpose(1, 2)
        keep = self.kernel // 2
        new1 = torch.cat([conv1, y], dim=2)[:, :, -keep:]
        w = torch.cat([val2.permute(1, 0, 2), out @ self.v2], dim=1)
        out = out + attend(q, k, w, mask.unsqueeze(1)) @ self.o2
        z = out.transpose(1, 2)
        out = out + self.conv(1, z, conv2).transpose(1, 2)
        new2 = torch.cat([conv2, z], dim=2)[:, :, -keep:]
        state = [k[:, -left:].permute(1, 0, 2), h[:, -left:].unsqueeze(0), v[:, -left:].permute(1, 0, 2), w[:, -left:].permute(1, 0, 2), new1, new2]
        return scaled(out), state

    def whole(self, x, step, left):
        n, count = x.shape[0], x.shape[1]
        t = torch.arange(count)
        first = t // step * step  # of each frame's chunk
        mask = ~((t[None] >= first[:, None] - left) & (t[None] < first[:, None] + step)).unsqueeze(0)
        q, k = x @ self.q, x @ self.k
        out = x + attend(q, k, x @ self.v1, mask.unsqueeze(1)) @ self.o1
        out = out + self.nonlin(q, k, torch.tanh(out @ self.n), mask)
        out = out + self.whole_conv(0, out, step)
        out = out + attend(q, k, out @ self.v2, mask.unsqueeze(1)) @ self.o2
        out = out + self.whole_conv(1, out, step)
        return scaled(out)

    def whole_conv(self, i, x, step):
        y = x.transpose(1, 2)
        causal = F.conv1d(F.pad(y, (self.kernel // 2, 0)), self.causal[i], groups=self.dim)
        parts = [F.conv1d(y[:, :, at:at + step], self.within[i], padding=self.kernel // 2, groups=self.dim) for at in range(0, y.shape[2], step)]
        return torch.tanh(causal + torch.cat(parts, dim=2)).transpose(1, 2)

    def zeros(self, left):
        f = torch.zeros
        return [f(left, 1, HEADS * KEY), f(1, 1, left, self.hidden), f(left, 1, HEADS * VALUE), f(left, 1, HEADS * VALUE),
                f(1, self.dim, self.kernel // 2), f(1, self.dim, self.kernel // 2)]


class Zipformer2(nn.Module):
    names = ["cached_key", "cached_nonlin_attn", "cached_val1", "cached_val2", "cached_conv1", "cached_conv2"]
    axes = [1, 1, 1, 1, 0, 0]
    window = CHUNK + 7 + 2 * 3

    def __init__(self, out):
        super().__init__()
        self.embed = Subsampling()
        self.depth = weight(EMBED, 1, 7, 7)
        self.layers = nn.ModuleList([Layer2(d) for d in DIMS])
        self.into = nn.ParameterList([weight(EMBED * 19, DIMS[0]), weight(DIMS[0], DIMS[1])])
        self.project = weight(DIMS[-1], out)
        self.log = False

    def finish(self, x):
        x = halve(x) @ self.project
        return x.log_softmax(dim=-1) if self.log else x

    def forward(self, x, states):
        e = self.embed(x)  # [N, C, 19, 19]
        padded = torch.cat([states[-2], e], dim=2)
        e = e[:, :, :STEP]
        new_embed = padded[:, :, STEP:STEP + 3]
        x = e + torch.tanh(F.conv2d(padded, self.depth, padding=(0, 3), groups=EMBED))
        x = x.permute(0, 2, 1, 3).flatten(2)
        seen = states[-1].unsqueeze(1) <= torch.arange(LEFT).unsqueeze(0)
        unheard = seen.flip(1)  # of the frames gone by, oldest first
        new = []
        for i, (layer, down) in enumerate(zip(self.layers, DOWN)):
            x = x @ self.into[i]
            y = x if down == 1 else halve(x)
            mask = torch.cat([unheard[:, ::down], torch.zeros(y.shape[0], y.shape[1], dtype=torch.bool)], dim=1).unsqueeze(1)
            y, state = layer.stream(y, states[6 * i:6 * i + 6], mask)
            x = x + (y if down == 1 else double(y))
            new += state
        return self.finish(x), new + [new_embed, states[-1] + STEP]

    def whole(self, features):
        e = self.embed(features)
        x = F.conv2d(F.pad(e, (0, 0, 3, 0)), self.depth, padding=(0, 3), groups=EMBED)
        frames = x.shape[2] // STEP * STEP
        x = (e[:, :, :frames] + torch.tanh(x[:, :, :frames])).permute(0, 2, 1, 3).flatten(2)
        for i, (layer, down) in enumerate(zip(self.layers, DOWN)):
            x = x @ self.into[i]
            y = layer.whole(x if down == 1 else halve(x), STEP // down, LEFT // down)
            x = x + (y if down == 1 else double(y))
        return self.finish(x)

    def states(self):
        named = []
        for i, (layer, down) in enumerate(zip(self.layers, DOWN)):
            for name, axis, value in zip(self.names, self.axes, layer.zeros(LEFT // down)):
                named.append((f"{name}_{i}", axis, value))
        return named + [("embed_states", 0, torch.zeros(1, EMBED, 3, 19)), ("processed_lens", 0, torch.zeros(1, dtype=torch.int64))]

    def metadata(self):
        join = lambda values: ",".join(map(str, values))
        return {
            "model_type": "zipformer2", "version": "1", "model_author": "courtsense", "comment": "random weights for tests",
            "decode_chunk_len": str(CHUNK), "T": str(self.window), "num_encoder_layers": join([1] * len(DIMS)), "encoder_dims": join(DIMS),
            "cnn_module_kernels": join([KERNEL] * len(DIMS)), "left_context_len": join(LEFT // d for d in DOWN),
            "query_head_dims": join([KEY] * len(DIMS)), "value_head_dims": join([VALUE] * len(DIMS)), "num_heads": join([HEADS] * len(DIMS)),
        }


class Layer1(nn.Module):
    """One layer of the kind zipformer."""

    def __init__(self, dim, kernel=KERNEL):
        super().__init__()
        self.dim, self.kernel = dim, kernel
        width = HEADS * KEY
        self.p = weight(dim, dim)
        self.q, self.k = weight(dim, width), weight(dim, width)
        self.v, self.o = nn.ParameterList([weight(dim, width // 2) for _ in range(2)]), nn.ParameterList([weight(width // 2, dim) for _ in range(2)])
        self.c = nn.ParameterList([weight(dim, 1, kernel) for _ in range(2)])

    def stream(self, x, state):
        heard, mean, key, val, val2, conv1, conv2 = state  # heard [N]
        counts = heard.unsqueeze(1) + torch.arange(1, x.shape[1] + 1)
        total = mean.unsqueeze(1) * heard.unsqueeze(1).unsqueeze(2) + x.cumsum(dim=1)
        means = total / counts.unsqueeze(2)
        out = x + torch.tanh(means @ self.p)
        left = key.shape[0]
        q, k = x @ self.q, torch.cat([key.permute(1, 0, 2), x @ self.k], dim=1)
        new = [heard + x.shape[1], means[:, -1], k[:, -left:].permute(1, 0, 2)]
        convs = []
        for i, (cached, before) in enumerate([(val, conv1), (val2, conv2)]):
            v = torch.cat([cached.permute(1, 0, 2), out @ self.v[i]], dim=1)
            out = out + attend(q, k, v, None) @ self.o[i]
            y = torch.cat([before, out.transpose(1, 2)], dim=2)
            out = out + torch.tanh(F.conv1d(y, self.c[i], groups=self.dim)).transpose(1, 2)
            new.append(v[:, -left:].permute(1, 0, 2))
            convs.append(y[:, :, -(self.kernel - 1):])
        return scaled(out), new + convs

    def whole(self, x, step, left):
        count = x.shape[1]
        means = x.cumsum(dim=1) / torch.arange(1, count + 1)[None, :, None]
        out = x + torch.tanh(means @ self.p)
        # Before the sound there are keys and values of zeros, which attention does see.
        t, s = torch.arange(count), torch.arange(-left, count)
        first = t // step * step
        mask = ~((s[None] >= first[:, None] - left) & (s[None] < first[:, None] + step)).unsqueeze(0)
        q, k = x @ self.q, F.pad(x @ self.k, (0, 0, left, 0))
        for i in range(2):
            out = out + attend(q, k, F.pad(out @ self.v[i], (0, 0, left, 0)), mask.unsqueeze(1)) @ self.o[i]
            y = F.pad(out.transpose(1, 2), (self.kernel - 1, 0))
            out = out + torch.tanh(F.conv1d(y, self.c[i], groups=self.dim)).transpose(1, 2)
        return scaled(out)


class Zipformer1(nn.Module):
    names = ["cached_len", "cached_avg", "cached_key", "cached_val", "cached_val2", "cached_conv1", "cached_conv2"]
    axes = [1, 1, 2, 2, 2, 1, 1]
    window = CHUNK + 7
    layers_in_stack = [2, 1]

    def __init__(self, out):
        super().__init__()
        self.embed = Subsampling()
        self.stacks = nn.ModuleList([nn.ModuleList([Layer1(d) for _ in range(n)]) for d, n in zip(DIMS, self.layers_in_stack)])
        self.into = nn.ParameterList([weight(EMBED * 19, DIMS[0]), weight(DIMS[0], DIMS[1])])
        self.project = weight(DIMS[-1], out)

    def forward(self, x, states):
        x = self.embed(x).permute(0, 2, 1, 3).flatten(2)
        new = [[] for _ in range(7 * len(DIMS))]
        for i, (stack, down) in enumerate(zip(self.stacks, DOWN)):
            x = x @ self.into[i]
            y = x if down == 1 else halve(x)
            for j, layer in enumerate(stack):
                y, state = layer.stream(y, [states[k * len(DIMS) + i][j] for k in range(7)])
                for k, s in enumerate(state):
                    new[k * len(DIMS) + i].append(s)
            x = x + (y if down == 1 else double(y))
        return halve(x) @ self.project, [torch.stack(s) for s in new]

    def whole(self, features):
        x = self.embed(features).permute(0, 2, 1, 3).flatten(2)
        x = x[:, :x.shape[1] // STEP * STEP]
        for i, (stack, down) in enumerate(zip(self.stacks, DOWN)):
            x = x @ self.into[i]
            y = x if down == 1 else halve(x)
            for layer in stack:
                y = layer.whole(y, STEP // down, LEFT // down)
            x = x + (y if down == 1 else double(y))
        return halve(x) @ self.project

    def states(self):
        named = []
        for name, axis in zip(self.names, self.axes):
            for i, (dim, count, down) in enumerate(zip(DIMS, self.layers_in_stack, DOWN)):
                left, width = LEFT // down, HEADS * KEY
                shape = {"cached_len": (count, 1), "cached_avg": (count, 1, dim), "cached_key": (count, left, 1, width),
                         "cached_val": (count, left, 1, width // 2), "cached_val2": (count, left, 1, width // 2)}.get(name, (count, 1, dim, KERNEL - 1))
                named.append((f"{name}_{i}", axis, torch.zeros(shape, dtype=torch.int64 if name == "cached_len" else torch.float32)))
        return named

    def metadata(self):
        join = lambda values: ",".join(map(str, values))
        return {
            "model_type": "zipformer", "version": "1", "model_author": "courtsense", "decode_chunk_len": str(CHUNK), "T": str(self.window),
            "num_encoder_layers": join(self.layers_in_stack), "encoder_dims": join(DIMS), "attention_dims": join([HEADS * KEY] * len(DIMS)),
            "cnn_module_kernels": join([KERNEL] * len(DIMS)), "left_context_len": join(LEFT // d for d in DOWN),
        }


class Decoder(nn.Module):
    """[N, CONTEXT] tokens, negative ones before the first, to [N, JOIN]."""

    def __init__(self):
        super().__init__()
        self.embedding, self.conv, self.project = weight(len(TOKENS), 8), weight(8, 1, CONTEXT), weight(8, JOIN)

    def forward(self, y):
        rows = self.embedding[y.clamp(min=0)] * (y >= 0).unsqueeze(-1)
        return torch.relu(F.conv1d(rows.transpose(1, 2), self.conv, groups=8)).squeeze(2) @ self.project


class Joiner(nn.Module):
    def __init__(self):
        super().__init__()
        self.out, self.bias = weight(JOIN, len(TOKENS)), nn.Parameter(torch.randn(len(TOKENS)) * 0.1)

    def forward(self, encoder_out, decoder_out):
        return torch.tanh(encoder_out + decoder_out) @ self.out + self.bias


def export(model, args, path, inputs, outputs, axes, metadata):
    torch.onnx.export(model.eval(), args, str(path), opset_version=13, input_names=inputs, output_names=outputs, dynamic_axes=axes)
    graph = onnx.load(str(path))
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)
    graph.doc_string = ""
    for node in graph.graph.node:
        node.doc_string = ""
    onnx.save(graph, str(path))


def export_encoder(model, path, output):
    states, axes = model.states(), {"x": {0: "N"}, output: {0: "N"}}
    for name, axis, _ in states:
        axes[name] = axes["new_" + name] = {axis: "N"}
    names = [name for name, _, _ in states]
    args = (torch.randn(1, model.window, 80), [value for _, _, value in states])
    export(model, args, path, ["x"] + names, [output] + ["new_" + n for n in names], axes, model.metadata())


def quantise(source, target):
    """Replaces products with constant matrices by integer ones, whose left side is quantised by the range it has in that moment."""
    model = onnx.load(str(source))
    graph, weights = model.graph, {i.name: i for i in model.graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights:
            nodes.append(node)
            continue
        w = numpy_helper.to_array(weights[node.input[1]])
        scale = np.float32(np.abs(w).max() / 127)
        name = node.output[0]
        for suffix, value in [("w", np.round(w / scale).astype(np.int8)), ("ws", np.asarray(scale)), ("wz", np.asarray(0, np.int8))]:
            graph.initializer.append(numpy_helper.from_array(value, f"{name}.{suffix}"))
        make = onnx.helper.make_node
        nodes += [
            make("DynamicQuantizeLinear", [node.input[0]], [f"{name}.q", f"{name}.s", f"{name}.z"]),
            make("MatMulInteger", [f"{name}.q", f"{name}.w", f"{name}.z", f"{name}.wz"], [f"{name}.i"]),
            make("Cast", [f"{name}.i"], [f"{name}.f"], to=onnx.TensorProto.FLOAT),
            make("Mul", [f"{name}.s", f"{name}.ws"], [f"{name}.ss"]),
            make("Mul", [f"{name}.f", f"{name}.ss"], [name]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {i for n in nodes for i in n.input}
    keep = [i for i in graph.initializer if i.name in used]
    del graph.initializer[:]
    graph.initializer.extend(keep)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def heard_whole(model):
    """What the network makes of the recording and the silence after it, without states."""
    recipe = golden()
    first, count = SOUND
    pcm = recipe.sample()[first:first + count]
    rows = recipe.fbank(np.concatenate([pcm, np.zeros(32000)]), high=-400.0, snip=False, scale=1.0)
    with torch.no_grad():
        return model.whole(torch.from_numpy(rows)[None])[0].numpy()


def check(model):
    """Streaming in torch equals the whole, or the export is not worth making."""
    recipe = golden()
    first, count = SOUND
    rows = torch.from_numpy(recipe.fbank(recipe.sample()[first:first + count], high=-400.0, snip=False, scale=1.0))[None]
    states, out = [value for _, _, value in model.states()], []
    with torch.no_grad():
        for at in range(0, rows.shape[1] - model.window + 1, CHUNK):
            y, states = model(rows[:, at:at + model.window], states)
            out.append(y)
        out, whole = torch.cat(out, dim=1), model.whole(rows)
    worst = (out - whole[:, :out.shape[1]]).abs().max().item()
    print(f"{type(model).__name__}: streaming and whole differ by at most {worst:.1e} (values deviate by {out.std().item():.2f})")
    assert worst < 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "speech/acoustic/testdata")
    out = parser.parse_args().out
    torch.manual_seed(6)
    for folder, kind in [("zipformer", Zipformer1), ("zipformer2", Zipformer2), ("ctc", Zipformer2)]:
        target = out / folder
        target.mkdir(parents=True, exist_ok=True)
        ctc = folder == "ctc"
        encoder = kind(len(TOKENS) if ctc else JOIN)
        encoder.log = ctc
        check(encoder)
        main_file = target / ("ctc-epoch-1-avg-1-chunk-16-left-16.onnx" if ctc else "encoder-epoch-1-avg-1.onnx")
        export_encoder(encoder, main_file, "log_probs" if ctc else "encoder_out")
        quantise(main_file, main_file.with_suffix(".int8.onnx"))
        if not ctc:
            export(Decoder(), torch.zeros(3, CONTEXT, dtype=torch.int64), target / "decoder-epoch-1-avg-1.onnx", ["y"], ["decoder_out"],
                   {"y": {0: "N"}, "decoder_out": {0: "N"}}, {"context_size": str(CONTEXT), "vocab_size": str(len(TOKENS))})
            joiner = target / "joiner-epoch-1-avg-1.onnx"
            export(Joiner(), (torch.zeros(3, JOIN), torch.zeros(3, JOIN)), joiner, ["encoder_out", "decoder_out"], ["logit"],
                   {"encoder_out": {0: "N"}, "decoder_out": {0: "N"}, "logit": {0: "N"}}, {"joiner_dim": str(JOIN)})
            quantise(joiner, joiner.with_suffix(".int8.onnx"))
        (target / "tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(TOKENS)))
        (target / "whole.f32").write_bytes(heard_whole(encoder).astype("<f4").tobytes())


if __name__ == "__main__":
    main()
