"""Makes clean scenes sound like rooms, telephones and noisy courts. Everything is drawn from one numpy Generator."""
import pathlib

import numpy as np
from scipy import signal

from data import RATE, decode

# Kept for evaluation only, never heard in training: a noise, a room, and the end of the long recording.
HELD_OUT_NOISE, HELD_OUT_ROOM, LONG_NOISE, LONG_NOISE_TRAINING = "noise5.flac", "rir4.flac", "kitchen.flac", 75 * RATE


def load_noise(folder, held_out=False):
    """Recorded noises as float32, either those of training or those held out."""
    out = []
    for file in sorted(pathlib.Path(folder).glob("*.flac")):
        if file.name.startswith("rir") or (file.name == HELD_OUT_NOISE) != held_out and file.name != LONG_NOISE:
            continue
        audio = decode(file).astype(np.float32) / 32768
        if file.name == LONG_NOISE:
            audio = audio[LONG_NOISE_TRAINING:] if held_out else audio[:LONG_NOISE_TRAINING]
        out.append(audio)
    return out


def load_rooms(folder, held_out=False):
    files = sorted(pathlib.Path(folder).glob("rir*.flac"))
    return [decode(f).astype(np.float32) / 32768 for f in files if (f.name == HELD_OUT_ROOM) == held_out]


def loop(audio, n, rng):
    """n samples of a recording, from a random place, repeated where it is shorter."""
    start = rng.integers(len(audio))
    return np.resize(np.roll(audio, -start), n)


def coloured(n, rng):
    """Noise whose power falls with frequency by a random slope, from white to brown."""
    spectrum = np.fft.rfft(rng.standard_normal(n).astype(np.float32))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** -rng.uniform(0, 1)
    spectrum[0] = 0
    return np.fft.irfft(spectrum, n)


def hum(n, rng):
    """Mains hum with harmonics, slightly unsteady."""
    base = rng.choice([50, 60, 100, 120]) * rng.uniform(0.995, 1.005)
    t = np.arange(n) / RATE
    return sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * (base * k * t + rng.random())) for k in range(1, rng.integers(3, 16)))


def music(n, rng):
    """Chords of decaying harmonic notes, with vibrato at times: periodic like voices, but not speech."""
    out, at = np.zeros(n), 0
    beat = int(RATE * rng.uniform(0.12, 0.7))
    root = rng.uniform(80, 400)
    while at < n:
        length = min(n - at, int(beat * rng.choice([1, 1, 2, 4])))
        t = np.arange(length) / RATE
        for _ in range(rng.integers(1, 4)):
            pitch = root * 2 ** (rng.integers(-12, 20) / 12)
            phase = 2 * np.pi * pitch * t + rng.uniform(0, 3) * np.sin(2 * np.pi * rng.uniform(4, 7) * t)
            envelope = np.exp(-t * rng.uniform(0.5, 8)) * np.minimum(1, t / rng.uniform(0.003, 0.06))
            out[at:at + length] += envelope * sum(rng.uniform(0, 1) / k * np.sin(k * phase) for k in range(1, rng.integers(2, 8)))
        at += beat
    return out


def tones(n, rng):
    """Ringing, beeps, dialling, organ notes, sirens: one to three tones, pure or with harmonics, steady, sliding or switched on and off."""
    t, out = np.arange(n) / RATE, np.zeros(n)
    for _ in range(rng.integers(1, 4)):
        pitch = 60 * (4000 / 60) ** rng.random()
        slide = rng.uniform(0.02, 0.5) * np.sin(2 * np.pi * rng.uniform(0.05, 7) * t) if rng.random() < 0.3 else 0
        phase = 2 * np.pi * np.cumsum(pitch * 2 ** (slide + np.zeros(n))) / RATE + rng.uniform(0, 6)
        harmonics = 1 if rng.random() < 0.5 else min(rng.integers(2, 12), int(7000 / pitch) + 1)
        decay = rng.uniform(0.3, 2)
        out += rng.uniform(0.3, 1) * sum(np.sin(k * phase + rng.uniform(0, 6)) / k**decay for k in range(1, harmonics + 1))
    if rng.random() < 0.5:
        gate = signal.square(2 * np.pi * t * rng.uniform(0.15, 6) + rng.uniform(0, 6), rng.uniform(0.2, 0.9)) > 0
        out *= np.convolve(gate, np.ones(80) / 80, "same")
    return out


def knocks(n, rng):
    """Keyboards, paper, doors, the gavel: short band-limited bursts at random times."""
    out = np.zeros(n)
    low, quick = rng.uniform(60, 3000), rng.uniform(0.5, 12)
    band = signal.butter(2, [low, min(7800, low * rng.uniform(1.5, 6))], "band", fs=RATE, output="sos")
    for at in np.cumsum(rng.exponential(RATE / quick, int(n / RATE * quick) + 1)).astype(int):
        if at >= n - 1:
            break
        length = min(n - at, int(RATE * rng.choice([0.02, 0.06, 0.25])))
        shape = np.exp(-np.arange(length) / (length / rng.uniform(2, 8)))
        out[at:at + length] += rng.uniform(0.2, 1) * shape * rng.standard_normal(length)
    return signal.sosfilt(band, out)


def background(n, recorded, rng):
    """One to three noises summed, at unit RMS."""
    out = np.zeros(n)
    for _ in range(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])):
        kind = rng.choice([None, coloured, hum, music, tones, knocks], p=[0.5, 0.15, 0.06, 0.12, 0.06, 0.11])
        one = loop(rng.choice(np.array(recorded, dtype=object)), n, rng).astype(np.float32) if kind is None else kind(n, rng)
        if rng.random() < 0.3:
            one = one * np.interp(np.arange(n), np.linspace(0, n, 9), 10 ** (rng.uniform(-20, 0, 9) / 20))
        out += rng.uniform(0.2, 1) * one / (np.std(one) + 1e-9)
    return out / (np.std(out) + 1e-9)


def synthetic_room(rng):
    """A direct path and an exponentially decaying tail, reverberation time 0.15 to 0.9 s."""
    n = int(RATE * rng.uniform(0.15, 0.9))
    tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n) * rng.uniform(0.01, 0.15)
    tail[:int(RATE * 0.002)] = 0
    tail[0] = 1
    return tail


def reverberate(audio, room):
    """Convolution aligned on the room's strongest path and brought back to the level it had."""
    room = room[np.argmax(np.abs(room)):]
    wet = signal.oaconvolve(audio, room)[:len(audio)]
    return wet * (np.std(audio) / (np.std(wet) + 1e-9))


def channel(audio, rng):
    """Microphone and line: spectral tilt, band limits, telephone, coarse companding, clipping."""
    if rng.random() < 0.35:
        order = rng.choice(["low", "high"])
        edge = rng.uniform(2500, 7500) if order == "low" else rng.uniform(60, 400)
        audio = signal.sosfilt(signal.butter(2, edge, order, fs=RATE, output="sos"), audio)
    if rng.random() < 0.25:
        audio = signal.lfilter([1, rng.uniform(-0.7, 0.7)], [1], audio)
    if rng.random() < 0.15:
        audio = signal.sosfilt(signal.butter(4, [300, 3400], "band", fs=RATE, output="sos"), audio)
        if rng.random() < 0.5:
            peak = np.abs(audio).max() + 1e-9
            companded = np.sign(audio) * np.log1p(255 * np.abs(audio) / peak) / np.log(256)
            companded = np.round(companded * 127) / 127
            audio = np.sign(companded) * np.expm1(np.abs(companded) * np.log(256)) / 255 * peak
    return audio


def bare(n, rng):
    """What no one speaks in, and nothing else hides: one sound of tones, music or hum, over hiss of any level, in -1..1."""
    sound = rng.choice([tones, music, hum], p=[0.6, 0.3, 0.1])(n, rng)
    sound *= np.interp(np.arange(n), np.linspace(0, n, 9), 10 ** (rng.uniform(-15, 0, 9) / 20)) if rng.random() < 0.3 else 1
    on = np.ones(n)
    if rng.random() < 0.8:  # it begins and ends, once or again and again: what begins sounds like a voice for longest
        on[:], at = 0, 0
        pause = rng.choice([0.2, 1, 4]) * RATE
        while at < n:
            start = at + int(rng.exponential(pause))
            at = start + int(rng.choice([0.15, 0.5, 2]) * rng.uniform(0.5, 1.5) * RATE)
            on[start:at] = 1
    sound = sound * np.convolve(on, np.ones(160) / 160, "same") * 10 ** (rng.uniform(-40, -6) / 20) / (np.abs(sound).max() + 1e-9)
    return (sound + rng.standard_normal(n) * 10 ** (rng.uniform(-95, -45) / 20)).astype(np.float32)


def alone(n, recorded, rng):
    """A recorded noise and nothing else, faster or slower, heard through any channel at any level, in -1..1."""
    out = np.zeros(n)
    for _ in range(rng.choice([1, 2], p=[0.8, 0.2])):
        one = recorded[rng.integers(len(recorded))]
        speed = 2 ** rng.uniform(-0.6, 0.6)
        one = np.interp(np.arange(0, len(one) - 1, speed), np.arange(len(one)), one)
        out += rng.uniform(0.2, 1) * loop(one, n, rng) / (np.std(one) + 1e-9)
    if rng.random() < 0.4:
        out *= np.interp(np.arange(n), np.linspace(0, n, 17), 10 ** (rng.uniform(-25, 0, 17) / 20))
    if rng.random() < 0.3:  # a source that is switched on: its beginning is what sounds like a voice
        out *= np.convolve(signal.square(2 * np.pi * np.arange(n) / RATE * rng.uniform(0.05, 0.5) + rng.uniform(0, 6)) > 0, np.ones(80) / 80, "same")
    out = channel(out, rng)
    return (out * 10 ** (rng.uniform(-40, -3) / 20) / (np.abs(out).max() + 1e-9)).astype(np.float32)


def from_silence(n, rng):
    """Steady tones out of digital silence, as a test signal or a connecting line gives them, in -1..1."""
    out, at = np.zeros(n), 0
    while at < n:
        start = at + int(rng.exponential(rng.choice([0.3, 1.5]) * RATE))
        at = start + int(rng.uniform(0.1, 3) * RATE)
        t = np.arange(max(0, min(at, n) - start)) / RATE
        one = np.zeros(len(t))
        for _ in range(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])):
            pitch = 80 * 2 ** rng.uniform(0, 5.5)
            one += rng.uniform(0.3, 1) * np.sin(2 * np.pi * pitch * t + rng.choice([0, rng.uniform(0, 6)]))
        fade = 1 + int(rng.choice([0, 0.005, 0.05]) * RATE)
        one *= np.minimum(1, np.minimum(np.arange(len(t)), np.arange(len(t))[::-1]) / fade)
        out[start:start + len(t)] = one * 10 ** (rng.uniform(-40, -3) / 20) / (np.abs(one).max() + 1e-9) if len(t) else 0
    return out.astype(np.float32)


def unspoken(n, recorded, rng):
    """What no one speaks in: recorded noise, tones out of silence, or the sounds of bare."""
    kind = rng.random()
    if kind < 0.4:
        return alone(n, recorded, rng)
    return from_silence(n, rng) if kind < 0.55 else bare(n, rng)


def degrade(clean, speech, recorded, rooms, rng):
    """A clean scene (float32) and its speech mask per sample -> what a microphone hears, float32 in -1..1."""
    audio = clean
    if rng.random() < 0.35:
        audio = reverberate(audio, rooms[rng.integers(len(rooms))] if rng.random() < 0.5 else synthetic_room(rng))
    level = np.sqrt(np.mean(audio[speech] ** 2)) if speech.any() else 0
    noise = background(len(audio), recorded, rng) if rng.random() < 0.85 else rng.standard_normal(len(audio))
    snr = rng.uniform(-2, 30) if rng.random() < 0.85 else rng.uniform(30, 60)
    audio = audio + noise * (level or 0.05) * 10 ** (-snr / 20)
    audio = channel(audio, rng)
    # A little hiss everywhere: digital silence would tell pauses apart from speech for free.
    target = 10 ** (rng.uniform(-46, -10) / 20)
    audio = audio * (target / ((level or 0.05) + 1e-9))
    if rng.random() < 0.9:
        audio = audio + rng.standard_normal(len(audio)) * 10 ** (rng.uniform(-95, -60) / 20)
    limit = 1.0 if rng.random() < 0.95 else 3 * target
    return np.clip(audio, -limit, limit).astype(np.float32)
