"""Writes the vectors that the Go package is held to, from the definition of the features and not from its code.

python3 speech/fbank/testdata/golden.py

Needs numpy. Written after the description of Kaldi's compute-fbank-feats (frames, mel scale, order of the steps), with whole arrays, a
matrix of filters and numpy's FFT, in double precision. Each NAME.f32 beside this file holds rows of little-endian float32; the
configurations here and in golden_test.go are the same."""
import pathlib
import wave

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parents[2] / "testdata/speech/court-zh-16k.wav"

# name: (first sample, samples, options)
SETS = {
    "kaldi": (14000, 9000, {}),
    "stacked": (90000, 9130, dict(window="hamming", stack=5, skip=3)),
    "icefall": (30000, 8801, dict(high=-400.0, snip=False, scale=1.0)),
    "short": (16000, 130, dict(high=-400.0, snip=False, scale=1.0)),
    "narrow": (14000, 6000, dict(rate=8000, bins=23, window="hanning", low=100.0, high=3800.0, preemphasis=0.0, remove_dc=False,
                                 length=0.032, shift=0.016)),
}


def frames(pcm, length, shift, snip):
    """[frames, length] samples; without snip, frames are centred on a grid and the sound is mirrored at both ends."""
    if snip:
        count = 1 + (len(pcm) - length) // shift if len(pcm) >= length else 0
        index = np.arange(count)[:, None] * shift + np.arange(length)
    else:
        count = (len(pcm) + shift // 2) // shift
        index = np.arange(count)[:, None] * shift + shift // 2 - length // 2 + np.arange(length)
        while (index < 0).any() or (index >= len(pcm)).any():
            index = np.where(index < 0, -index - 1, index)
            index = np.where(index >= len(pcm), 2 * len(pcm) - 1 - index, index)
    return pcm[index]


def filters(bins, fft, rate, low, high):
    """[bins, fft / 2] triangles, equally wide in mel."""
    mel = lambda hz: 1127.0 * np.log(1.0 + np.asarray(hz) / 700.0)
    edges = np.linspace(mel(low), mel(high), bins + 2)
    at = mel(np.arange(fft // 2) * rate / fft)
    rising = (at - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - at) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def fbank(pcm, rate=16000, bins=80, window="povey", low=20.0, high=0.0, preemphasis=0.97, remove_dc=True, snip=True, scale=32768.0,
          length=0.025, shift=0.010, stack=1, skip=1):
    """pcm in -1..1 to float32 [rows, bins * stack]."""
    n, hop = round(rate * length), round(rate * shift)
    x = frames(pcm.astype(np.float64) * scale, n, hop, snip)
    if remove_dc:
        x = x - x.mean(axis=1, keepdims=True)
    before = np.concatenate([x[:, :1], x[:, :-1]], axis=1)
    x = x - preemphasis * before
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / (n - 1))
    x = x * {"hanning": hann, "povey": hann ** 0.85, "hamming": 0.08 + 0.92 * hann}[window]
    fft = 1 << (n - 1).bit_length()
    power = np.abs(np.fft.rfft(x, fft)) ** 2
    high = high if high > 0 else rate / 2 + high
    energy = power[:, : fft // 2] @ filters(bins, fft, rate, low, high).T
    rows = np.log(np.maximum(energy, np.finfo(np.float32).eps))
    if stack > 1 or skip > 1:
        left = (stack - 1) // 2
        index = np.arange(0, len(rows), skip)[:, None] - left + np.arange(stack)
        rows = rows[np.clip(index, 0, len(rows) - 1)].reshape(len(index), -1)
    return rows.astype(np.float32)


def sample(path=SAMPLE):
    with wave.open(str(path)) as f:
        return np.frombuffer(f.readframes(f.getnframes()), "<i2") / 32768.0


if __name__ == "__main__":
    for name, (first, count, options) in SETS.items():
        rows = fbank(sample()[first : first + count], **options)
        (HERE / f"{name}.f32").write_bytes(rows.astype("<f4").tobytes())
        print(name, rows.shape)
