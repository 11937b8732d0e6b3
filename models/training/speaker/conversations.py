"""Makes conversations of held-out speakers, with who speaks when: what the clustering's numbers were chosen on.

python3 models/training/speaker/conversations.py --data WORK/speaker --noise DATA/noise --out WORK/conversations [--count 24] [--seed 1]

Written: NAME.flac and NAME.rttm, a minute each, with one to four people, each at a level and a place of their own, in one room and over one
noise; pauses, interjections, and a tenth of the turns begun before the other has ended. No speaker of it was trained on.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "speech"))
from hearing import background, load_noise, load_rooms, reverberate
from store import RATE, Store
from sounds import curve

LENGTH = 60 * RATE


def turns(people, rng):
    """Yields (speaker, start, samples) in the order of time."""
    at, last = int(rng.uniform(0.3, 2) * RATE), -1
    while at < LENGTH - RATE:
        who = int(rng.choice([p for p in range(people) if p != last or people == 1]))
        seconds = rng.uniform(0.5, 1.2) if rng.random() < 0.25 else min(1 + rng.exponential(4), 15)
        n = min(int(seconds * RATE), LENGTH - at)
        yield who, at, n
        last = who
        gap = -rng.uniform(0.2, 0.8) if rng.random() < 0.12 else rng.exponential(0.4)
        at = max(at + RATE // 4, at + n + int(gap * RATE))


def conversation(store, held, recorded, rooms, rng):
    """Sound [LENGTH] at int16 scale and [(start, seconds, speaker)]."""
    people = int(rng.choice([1, 2, 3, 4], p=[0.1, 0.45, 0.3, 0.15]))
    voices = rng.choice(held, people, replace=False)
    offsets = [int(rng.integers(store.rows[v]["length"])) for v in voices]
    gains, room = 10 ** (rng.uniform(-4, 4, people) / 20), rooms[rng.integers(len(rooms))]
    near = rng.uniform(0.3, 1.0)
    out, marks = np.zeros(LENGTH, np.float32), []
    for who, at, n in turns(people, rng):
        sound = np.resize(np.roll(store.sound(voices[who]).astype(np.float32), -offsets[who]), n)
        offsets[who] += n
        sound = sound * (3000 / (np.sqrt(np.mean(sound**2)) + 1)) * gains[who]
        ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / 160)
        out[at:at + n] += near * sound * ramp + (1 - near) * reverberate(sound * ramp, room)
        marks.append((at / RATE, n / RATE, store.rows[voices[who]]["speaker"]))
    loud = np.sqrt(np.mean(out**2))
    out = out + background(LENGTH, recorded, rng) * loud * 10 ** (-rng.uniform(8, 30) / 20)
    out = curve(out, rng) * 10 ** (rng.uniform(-14, 0) / 20)
    return np.clip(out, -32768, 32767), marks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    store = Store(args.data, "voices")
    held = [i for i, r in enumerate(store.rows) if r["held"]]
    recorded, rooms = load_noise(args.noise, True), load_rooms(args.noise)
    args.out.mkdir(parents=True, exist_ok=True)
    for i in range(args.count):
        sound, marks = conversation(store, held, recorded, rooms, np.random.default_rng([args.seed, i]))
        name = f"conversation{args.seed}-{i:02d}"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", str(args.out / f"{name}.flac")],
                       input=sound.astype(np.int16).tobytes(), check=True)
        lines = [f"SPEAKER {name} 1 {start:.3f} {length:.3f} <NA> <NA> {who} <NA> <NA>\n" for start, length, who in marks]
        (args.out / f"{name}.rttm").write_text("".join(lines))
    print(f"{args.count} conversations of {len(held)} speakers")


if __name__ == "__main__":
    main()
