"""What the network hears: stretches of a voice at three speeds (each a voice of its own), in rooms and noise, through other microphones."""
import pathlib
import sys

import numpy as np
from scipy import signal

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "speech"))
from hearing import Surroundings, at_speed
from store import RATE

SPEEDS = (0.85, 1.0, 1.17)
SHARES = {"speechocean762": 0.66, "isolated-words": 0.13, "aishell-s0150": 0.02, "syllables": 0.01, "espeak": 0.18}


def curve(sound, rng):
    """Through a microphone or a distance of its own: a smooth random gain over frequency, up to some 12 dB."""
    points = rng.normal(0, rng.uniform(1, 6), 8)
    gain = 10 ** (np.interp(np.linspace(0, 1, 129), np.linspace(0, 1, 8) ** 1.7, points) / 20)
    return signal.oaconvolve(sound, signal.firwin2(127, np.linspace(0, 1, 129), gain), "same")


def narrow(sound, rng):
    """Band limits as telephones and codecs of low rate have them."""
    if rng.random() < 0.5:
        return signal.sosfilt(signal.butter(4, [rng.uniform(80, 300), rng.uniform(3200, 4000)], "band", fs=RATE, output="sos"), sound)
    return signal.sosfilt(signal.butter(rng.choice([4, 14]), rng.uniform(3500, 7500), "low", fs=RATE, output="sos"), sound)


class Voices:
    """The classes of training and their sounds. Item i is always the same voice in the same surroundings, so that a run repeats."""

    def __init__(self, store, noise, seed, seconds=2.0):
        self.store, self.seed, self.samples = store, seed, int(seconds * RATE)
        self.surroundings = Surroundings(noise)
        self.classes, self.shares = [], []
        rows = [(i, r) for i, r in enumerate(store.rows) if not r["held"]]
        for i, row in rows:
            speeds = (1.0,) if row["corpus"] == "espeak" else SPEEDS
            for speed in speeds:
                self.classes.append((i, speed))
                self.shares.append(SHARES[row["corpus"]] / len(speeds) / sum(r["corpus"] == row["corpus"] for _, r in rows))
        self.shares = np.array(self.shares) / sum(self.shares)

    def stretch(self, row, speed, rng):
        """One or two pieces of a voice as int16-scale float32 [samples]."""
        sound = self.store.sound(row)
        lengths = [self.samples] if rng.random() < 0.6 else [self.samples // 2, self.samples - self.samples // 2]
        parts = []
        for n in lengths:
            need = int(np.ceil(n * speed)) + 2
            start = int(rng.integers(0, max(1, len(sound) - need)))
            parts.append(np.resize(at_speed(sound[start:start + need], speed), n))
        return np.concatenate(parts).astype(np.float32)

    def item(self, i):
        """Class and sound [samples], float32 at int16 scale."""
        rng = np.random.default_rng([self.seed, i])
        label = int(rng.choice(len(self.classes), p=self.shares))
        row, speed = self.classes[label]
        sound = self.stretch(row, speed * rng.uniform(0.985, 1.015), rng)
        if rng.random() < 0.7:
            sound = curve(sound, rng)
        if rng.random() < 0.25:
            sound = self.room(sound, rng)
        sound = self.surroundings.degrade(sound, rng)
        if rng.random() < 0.2:
            sound = narrow(sound, rng)
        return label, np.asarray(sound, np.float32)

    def room(self, sound, rng):
        """Half of the far field: the direct sound and what comes back, without taking the level back up."""
        room = self.surroundings.rooms[rng.integers(len(self.surroundings.rooms))]
        wet = signal.oaconvolve(sound, room[np.argmax(np.abs(room)):])[:len(sound)]
        return wet * (np.std(sound) / (np.std(wet) + 1e-9)) * 0.5 + sound * 0.5
