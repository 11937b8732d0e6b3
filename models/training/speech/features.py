"""What the networks see: Kaldi's filterbanks (80 mel bands, 20 to 8000 Hz, Hamming 25/10 ms, samples at int16 scale, no dither), five frames
stacked, every third kept. Shapes: sound [B, samples], features [B, rows, 400] at 30 ms a row."""
import functools
import math

import torch
from torch.nn import functional as F

RATE, FRAME, SHIFT, FFT, MELS = 16000, 400, 160, 512, 80
STACK, SKIP = 5, 3
ROW = SHIFT * SKIP  # samples


def mel(hz):
    return 1127 * math.log(1 + hz / 700)


@functools.lru_cache(maxsize=None)
def bank(warp):
    """Triangular filters [MELS, FFT/2+1]. `warp` scales the frequencies below 7 kHz as a longer or shorter vocal tract does."""
    hz = torch.arange(FFT // 2 + 1, dtype=torch.float64) * RATE / FFT
    bend = 7000 / max(1.0, warp)
    warped = torch.where(hz <= bend, hz * warp, warp * bend + (hz - bend) * (8000 - warp * bend) / (8000 - bend))
    edges = torch.linspace(mel(20), mel(8000), MELS + 2, dtype=torch.float64)
    at = 1127 * torch.log(1 + warped / 700)
    up = (at - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - at) / (edges[2:] - edges[1:-1])[:, None]
    filters = torch.minimum(up, down).clamp(min=0)
    filters[:, -1] = 0  # Kaldi leaves the bin at half the sampling rate out.
    return filters.float()


@functools.lru_cache(maxsize=1)
def analysis():
    """The frame's mean taken off, preemphasis, window and Fourier transform as one matrix, [2*(FFT/2+1), FRAME]: they are linear."""
    eye = torch.eye(FRAME, dtype=torch.float64)
    eye = eye - eye.mean(1, keepdim=True)
    emphasised = eye.clone()
    emphasised[:, 1:] -= 0.97 * eye[:, :-1]
    emphasised[:, 0] -= 0.97 * eye[:, 0]
    window = 0.54 - 0.46 * torch.cos(2 * math.pi * torch.arange(FRAME, dtype=torch.float64) / (FRAME - 1))
    spectrum = torch.fft.rfft(emphasised * window, FFT)
    return torch.cat([spectrum.real, spectrum.imag], 1).T.contiguous().float()


def fbank(sound, warps=None):
    """Log filterbanks [B, frames, MELS]; `warps` is one factor an item."""
    spectrum = F.linear(sound.unfold(1, FRAME, SHIFT), analysis())
    half = FFT // 2 + 1
    power = spectrum[..., :half].square() + spectrum[..., half:].square()
    if warps is None:
        energy = power @ bank(1.0).T
    else:
        energy = torch.bmm(power, torch.stack([bank(round(w, 2)) for w in warps]).transpose(1, 2))
    return energy.clamp(min=1.1920929e-7).log()


def rows(sound, warps=None):
    """Features [B, rows, 400]: row t holds the frames 3t-2 to 3t+2, the first frame standing for those before it."""
    frames = fbank(sound, warps)
    frames = torch.cat([frames[:, :1].expand(-1, STACK // 2, -1), frames], 1)
    return frames.unfold(1, STACK, SKIP).transpose(2, 3).reshape(len(frames), -1, STACK * MELS)
