"""What training hears: pieces of recordings spliced, at other speeds, in rooms and noise, through other microphones. Everything is drawn from
one numpy Generator, so an item of a number is always the same."""
import pathlib
import sys

import numpy as np
from scipy import signal

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "vad"))
from augment import background, load_noise, load_rooms, reverberate, synthetic_room
from features import RATE


class Surroundings:
    """Rooms, and noises mixed once: drawing them anew for every item would cost more than the training's step."""

    def __init__(self, folder, seconds=600, seed=1):
        rng = np.random.default_rng(seed)
        recorded = load_noise(folder)
        self.rooms = load_rooms(folder)
        self.rooms += [synthetic_room(rng) for _ in range(24)]
        self.noise = [background(10 * RATE, recorded, rng).astype(np.float32) for _ in range(seconds // 10)]

    def degrade(self, sound, rng):
        """Sound at int16 scale -> what a microphone far or near, good or bad, gives; float32 at int16 scale."""
        sound = sound.astype(np.float32)
        if rng.random() < 0.25:
            sound = reverberate(sound, self.rooms[rng.integers(len(self.rooms))])
        level = np.sqrt(np.mean(np.square(sound)) + 1)
        if rng.random() < 0.55:
            noise = self.noise[rng.integers(len(self.noise))]
            noise = np.resize(np.roll(noise, -int(rng.integers(len(noise)))), len(sound))
            sound = sound + noise * level * 10 ** (-rng.uniform(3, 32) / 20)
        if rng.random() < 0.4:
            sound = signal.lfilter([1, rng.uniform(-0.5, 0.5), rng.uniform(-0.2, 0.2)], [1], sound)
        if rng.random() < 0.08:
            sound = signal.sosfilt(signal.butter(4, [300, 3400], "band", fs=RATE, output="sos"), sound)
        sound = sound * (10 ** (rng.uniform(-32, -12) / 20) * 32768 / (np.sqrt(np.mean(np.square(sound))) + 1))
        sound = sound + rng.standard_normal(len(sound), dtype=np.float32) * 10 ** rng.uniform(-1.5, 1)
        return np.clip(sound, -32768, 32767).astype(np.float32)


def at_speed(sound, speed):
    """`sound` faster (above 1) or slower, and higher or lower with it."""
    if abs(speed - 1) < 1e-3:
        return np.asarray(sound, np.float32)
    where = np.arange(0, len(sound) - 1, speed, dtype=np.float32)
    return np.interp(where, np.arange(len(sound)), sound).astype(np.float32)


def splice(stores, shares, samples, rng):
    """Up to five pieces of recordings, one after another, `samples` long: sound without its words."""
    out, at, pieces = np.zeros(samples, np.float32), int(rng.integers(0, RATE // 3)), int(rng.integers(1, 6))
    while at < samples - RATE // 10 and pieces:
        store = stores[rng.choice(len(stores), p=shares)]
        sound = at_speed(store.sound(int(rng.integers(len(store.rows)))), rng.uniform(0.85, 1.2))
        start = int(rng.integers(0, max(1, len(sound) - RATE // 2)))
        wanted = samples - at if pieces == 1 else int(rng.uniform(0.4, 1) * samples / pieces)
        part = sound[start:start + min(wanted, samples - at)]
        level = np.sqrt(np.mean(np.square(part)) + 1)
        out[at:at + len(part)] += part * (3000 * 10 ** (rng.uniform(-8, 4) / 20) / level)
        at += len(part) + int(rng.exponential(0.1) * RATE)
        pieces -= 1
    return out
