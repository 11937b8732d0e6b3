"""Gathers the voices that the speaker embedding learns from: one long stretch of speech without pauses for each.

python3 models/training/speaker/voices.py --sound WORK/sound --out WORK/speaker [--seed 1]

WORK/sound is what speech/corpora.py wrote. Written: WORK/speaker/voices (a store, see speech/store.py), a row a voice: `speaker`, `corpus`,
`held` (kept from training, by the hash of the name), `cuts` (where its recordings meet, in samples). espeak-ng's variants read the same
texts, each at two pitches, as further voices. Needs espeak-ng.
"""
import argparse
import hashlib
import pathlib
import random
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "speech"))
import evalset
from store import RATE, Store, Writer
from synthesise import read, voices

CORPORA = ("speechocean762", "isolated-words", "isolated-words-check", "aishell-s0150", "syllables")
PITCHES = (28, 66)
READINGS = 10
FRAME = RATE // 50  # samples; pauses are found frame by frame


def is_held_out(speaker):
    """Whether a speaker is kept from training: an eighth of all."""
    return hashlib.sha256(speaker.encode()).digest()[2] < 32


def speaker_of(corpus, name):
    return name.split("-")[0] if corpus.startswith(("speechocean", "isolated")) else corpus


def speech(sound):
    """int16 sound without what is 30 dB weaker than its loud parts; a tenth of a second around speech is kept."""
    n = len(sound) // FRAME
    if n < 5:
        return sound[:0]
    level = 10 * np.log10(np.square(sound[:n * FRAME].astype(np.float32)).reshape(n, FRAME).mean(1) + 1)
    loud = (level > max(np.percentile(level, 95) - 30, 20)).astype(np.float32)
    keep = np.convolve(loud, np.ones(11), "same") > 0
    return sound[:n * FRAME].reshape(n, FRAME)[keep].ravel()


def english(text, voice, speed, pitch):
    """Like synthesise.read, in English."""
    spoken = evalset.VOICE
    evalset.VOICE = "en+"
    try:
        return read(text, voice, speed, pitch)
    finally:
        evalset.VOICE = spoken


def synthetic(stores, rng):
    """Yields (speaker, sounds) of espeak-ng's variants, half of the sentences Mandarin and half English."""
    mandarin = [r["text"] for r in stores["aishell-s0150"].rows if len(r["text"]) >= 6]
    english_texts = [r["text"].lower() for r in stores["speechocean762"].rows if len(r["text"]) >= 15]
    for voice in voices(False) + voices(True):
        for pitch in PITCHES:
            sounds = []
            for i in range(READINGS):
                text, reader = (rng.choice(mandarin), read) if i % 2 else (rng.choice(english_texts), english)
                sounds.append(reader(text, voice, rng.randint(140, 210), pitch + rng.randint(-3, 3)))
            yield f"espeak-{voice}-{pitch}", sounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sound", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    out, counts = Writer(args.out, "voices"), {}

    def write(speaker, corpus, sounds):
        parts = [p for p in map(speech, sounds) if len(p) >= RATE // 4]
        whole = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        if len(whole) < 8 * RATE:
            print(f"{speaker}: left out, {len(whole) / RATE:.1f} s of speech")
            return
        held = is_held_out(speaker) and corpus != "espeak"
        out.add(whole, speaker=speaker, corpus=corpus, held=held, cuts=np.cumsum([len(p) for p in parts]).tolist())
        key = corpus + ", held out" * held
        count, seconds = counts.get(key, (0, 0))
        counts[key] = count + 1, seconds + len(whole) / RATE

    stores, people = {c: Store(args.sound, c) for c in CORPORA}, {}
    for corpus, store in stores.items():
        for i, row in enumerate(store.rows):
            people.setdefault((corpus.removesuffix("-check"), speaker_of(corpus, row["name"])), []).append(store.sound(i))
    for (corpus, speaker), sounds in sorted(people.items(), key=lambda p: p[0]):
        write(speaker, corpus, sounds)
    for speaker, sounds in synthetic(stores, random.Random(args.seed)):
        write(speaker, "espeak", sounds)
    out.close()
    for key, (count, seconds) in counts.items():
        print(f"{key}: {count} voices, {seconds / 60:.1f} min of speech")


if __name__ == "__main__":
    main()
