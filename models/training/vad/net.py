"""The voice activity network: spectrum by a fixed convolution, log-mel, five causal FSMN blocks, one probability a window."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

RATE, WINDOW = 16000, 512        # samples; one decision a window of 32 ms
FFT, HOP, MELS = 256, 128, 32
CONTEXT = FFT - HOP              # audio samples carried between windows
FRAMES = WINDOW // HOP           # spectra a window
HIDDEN, MEMORY, TAPS = 96, 48, 5
DILATIONS = (1, 2, 4, 8, 16)     # windows; the receptive field is 1 + 4*(1+2+4+8+16) = 125 windows = 4 s
HISTORY = sum((TAPS - 1) * d for d in DILATIONS)
STATE = CONTEXT + MEMORY * HISTORY


def fourier_basis():
    """Hann-windowed cosines and sines, [2*(FFT/2+1), 1, FFT], so that a convolution is the short-time Fourier transform."""
    n = np.arange(FFT)
    angle = 2 * np.pi * np.outer(np.arange(FFT // 2 + 1), n) / FFT
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / FFT)
    return torch.tensor(np.concatenate([np.cos(angle), np.sin(angle)]) * hann, dtype=torch.float32).unsqueeze(1)


def mel_bank():
    """Triangles on the mel scale from 60 to 7600 Hz, [MELS, FFT/2+1]; each is at least one bin wide."""
    mel = lambda hz: 2595 * np.log10(1 + np.asarray(hz) / 700)
    edges = np.linspace(mel(60), mel(7600), MELS + 2)
    bins = mel(np.arange(FFT // 2 + 1) * RATE / FFT)
    half = mel(np.arange(FFT // 2 + 1) * RATE / FFT + RATE / FFT) - bins
    centre = edges[1:-1, None]
    rise = np.maximum(edges[1:-1] - edges[:-2], 0)[:, None]
    width = np.maximum(rise, half[None, :])
    bank = np.maximum(0, 1 - np.abs(bins[None, :] - centre) / width)
    return torch.tensor(bank / bank.sum(1, keepdims=True), dtype=torch.float32)


class Block(nn.Module):
    """Feed-forward sequential memory: project, remember TAPS-1 earlier windows `dilation` apart, expand, add."""

    def __init__(self, dilation):
        super().__init__()
        self.history = (TAPS - 1) * dilation
        self.project = nn.Conv1d(HIDDEN, MEMORY, 1)
        self.memory = nn.Conv1d(MEMORY, MEMORY, TAPS, dilation=dilation, groups=MEMORY, bias=False)
        self.expand = nn.Sequential(nn.Conv1d(MEMORY, HIDDEN, 1, bias=False), nn.BatchNorm1d(HIDDEN), nn.ReLU())

    def forward(self, x, past):
        p = self.project(x)
        whole = torch.cat([past, p], 2)
        return x + self.expand(p + self.memory(whole)), whole[:, :, -self.history:]


class VoiceActivity(nn.Module):
    """audio [B, n*WINDOW] and state [B, STATE] -> logits [B, n], next state. Training uses long n, the exported graph n = 1."""

    def __init__(self):
        super().__init__()
        self.register_buffer("basis", fourier_basis(), persistent=False)
        self.register_buffer("mel", mel_bank().unsqueeze(2), persistent=False)
        self.normalise = nn.BatchNorm1d(MELS * FRAMES, affine=False)
        self.enter = nn.Sequential(nn.Conv1d(MELS * FRAMES, HIDDEN, 1, bias=False), nn.BatchNorm1d(HIDDEN), nn.ReLU())
        self.blocks = nn.ModuleList(Block(d) for d in DILATIONS)
        self.leave = nn.Conv1d(HIDDEN, 1, 1)

    def features(self, audio):
        """[B, CONTEXT + n*WINDOW] -> [B, MELS*FRAMES, n]."""
        spectrum = F.conv1d(audio.unsqueeze(1), self.basis, stride=HOP)
        power = spectrum[:, :FFT // 2 + 1].square() + spectrum[:, FFT // 2 + 1:].square()
        mel = torch.log(F.conv1d(power, self.mel) + 1e-6)
        n = int(mel.shape[2]) // FRAMES  # a constant of the exported graph, where it is 1
        return mel.reshape(-1, MELS, n, FRAMES).permute(0, 1, 3, 2).reshape(-1, MELS * FRAMES, n)

    def forward(self, audio, state):
        audio = torch.cat([state[:, :CONTEXT], audio], 1)
        x = self.enter(self.normalise(self.features(audio)))
        following, at = [audio[:, -CONTEXT:]], CONTEXT
        for block in self.blocks:
            size = MEMORY * block.history
            x, past = block(x, state[:, at:at + size].reshape(-1, MEMORY, block.history))
            following.append(past.reshape(-1, size))
            at += size
        return self.leave(x).squeeze(1), torch.cat(following, 1)
