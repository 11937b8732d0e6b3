"""Transcribed sound for training: recordings and synthetic readings of whole utterances, and sentences put together from spoken syllables."""
import numpy as np
import torch

from features import RATE, ROW
from hearing import Surroundings, at_speed, splice
from measure import spell
from net import DELAY
from store import Store

RECORDED = {"aishell-s0150": 0.75, "navigation": 0.15, "isolated-words": 0.1}
UNLABELLED = {"aishell-s0150": 0.1, "navigation": 0.2, "speechocean762": 0.4, "isolated-words": 0.2, "syllables": 0.1}
SAMPLES = 8 * RATE
LABELS = 64  # tokens of an item at most


class Targets:
    """Transcripts as tokens. A character without one is written as the commonest token that sounds the same, as the decoder reads it."""

    def __init__(self, tokens, readings):
        self.numbers = {t.lower(): i for i, t in enumerate(tokens) if i > 1}
        self.syllable, spoken_as = {}, {}
        for line in readings.read_text("utf-8").splitlines():
            character, syllable, frequency = line.split("\t")
            self.syllable[character] = syllable
            if character in self.numbers:
                for sound in (syllable, syllable[:-1]):
                    spoken_as[sound] = max(spoken_as.get(sound, (-1.0, 0)), (float(frequency), self.numbers[character]))
        self.homophone = {c: spoken_as.get(s, spoken_as.get(s[:-1], (0, None)))[1] for c, s in self.syllable.items()}

    def __call__(self, text):
        """Token numbers, or None where a piece of the text has none."""
        out = [n if n is not None else self.homophone.get(c) for n, c in zip(*self._aligned(text.lower()))]
        return None if None in out or not out else out

    def _aligned(self, text):
        numbers, characters, at = spell(text, self.numbers), [], 0
        sizes = {v: len(k) for k, v in self.numbers.items()} if len(numbers) != len(text) else None
        for n in numbers:
            characters.append(text[at])
            at += sizes[n] if sizes and n is not None else 1
        return numbers, characters


class Utterances(torch.utils.data.Dataset):
    """Item i -> sound [SAMPLES] at int16 scale, warp, labels [LABELS], number of labels, rows that count (0 labels: nothing is known
    but the teacher's opinion)."""

    def __init__(self, sound, noise, tokens, plan, items, seed):
        """`plan` is the kind of each item of a batch: "recorded", "synthetic", "syllables" or "unlabelled"."""
        self.targets = Targets(tokens, sound / "readings.tsv")
        self.recorded = [self._usable(Store(sound, name)) for name in RECORDED]
        self.shares = np.array(list(RECORDED.values()))
        self.synthetic = self._usable(Store(sound, "synthetic"))
        self.syllables = Store(sound, "syllables")
        self.clips = {row["text"]: i for i, row in enumerate(self.syllables.rows)}
        self.unlabelled = [Store(sound, name) for name in UNLABELLED]
        self.surroundings = Surroundings(noise)
        self.plan, self.items, self.seed = plan, items, seed

    def _usable(self, store):
        """(store, [(index, tokens)]) of the recordings with a transcript."""
        found = [(i, self.targets(row["text"])) for i, row in enumerate(store.rows)]
        return store, [(i, labels) for i, labels in found if labels]

    def __len__(self):
        return self.items

    def __getitem__(self, i):
        rng = np.random.default_rng([self.seed, i])
        kind, labels, end = self.plan[i % len(self.plan)], [], SAMPLES
        if kind == "unlabelled":
            sound = splice(self.unlabelled, np.array(list(UNLABELLED.values())), SAMPLES, rng)
        else:
            sound, labels, end = self._said(kind, rng)
        sound = self.surroundings.degrade(sound, rng)
        padded = np.zeros(LABELS, np.int64)
        padded[:len(labels)] = labels
        counted = min(end // ROW + DELAY + 2, SAMPLES // ROW - 1)
        return sound.astype(np.float32), float(rng.uniform(0.88, 1.12)), padded, len(labels), counted

    def _said(self, kind, rng):
        """Utterances one after another until the time is full: (sound, tokens, end of the last in samples)."""
        out, labels, at, last = np.zeros(SAMPLES, np.float32), [], int(rng.integers(RATE // 20, RATE // 2)), 0
        room = SAMPLES - (DELAY + 2) * ROW
        for _ in range(12):
            one, text = self._syllables(rng) if kind == "syllables" else self._utterance(kind, rng)
            if at + len(one) > room or len(labels) + len(text) > LABELS:
                if labels or kind == "synthetic":
                    continue
                one, text = one[:room - at], text[:LABELS]
            level = np.sqrt(np.mean(np.square(one)) + 1)
            out[at:at + len(one)] += one * (3000 * 10 ** (rng.uniform(-5, 5) / 20) / level)
            labels, last = labels + text, at + len(one)
            at = last + int(rng.exponential(0.25) * RATE)
            if at > room - RATE:
                break
        return out, labels, last

    def _utterance(self, kind, rng):
        store, usable = self.synthetic if kind == "synthetic" else self.recorded[rng.choice(len(self.recorded), p=self.shares)]
        i, labels = usable[rng.integers(len(usable))]
        return at_speed(store.sound(i), rng.uniform(0.9, 1.35) if kind == "synthetic" else rng.uniform(0.85, 1.2)), labels

    def _syllables(self, rng):
        """Up to twelve syllables of a text, each from its recording, cut close and overlapping a little."""
        store, usable = self.synthetic
        text = store.rows[usable[rng.integers(len(usable))][0]]["text"]
        start = int(rng.integers(max(1, len(text) - 4)))
        out, labels, at, speed = np.zeros(SAMPLES, np.float32), [], 0, rng.uniform(0.9, 1.5)
        for character in text[start:start + int(rng.integers(4, 13))]:
            clip = self.clips.get(self.targets.syllable.get(character, ""))
            label = self.targets(character)
            if clip is None or label is None:
                continue
            one = at_speed(self.syllables.sound(clip), speed * rng.uniform(0.9, 1.15))
            loud = np.flatnonzero(np.abs(one) > 0.08 * np.abs(one).max())
            one = one[loud[0]:loud[-1] + 1]
            one = one[:int(len(one) * rng.uniform(0.75, 1))]
            fade = min(len(one) // 4, 480)
            one[:fade] *= np.linspace(0, 1, fade)
            one[len(one) - fade:] *= np.linspace(1, 0, fade)
            if at + len(one) > SAMPLES // 2:
                break
            out[at:at + len(one)] += one * (3000 / (np.sqrt(np.mean(np.square(one))) + 1))
            at, labels = at + len(one) - int(rng.uniform(0, 1) * fade), labels + label
        return out[:max(at, 1)], labels
