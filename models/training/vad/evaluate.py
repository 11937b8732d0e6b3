"""Measures a voice activity model beside its teacher, in one harness, on recordings that neither training nor tuning heard.

python3 models/training/vad/evaluate.py --onnx vad.onnx --teacher silero_vad_16k_op15.onnx --data DIR

DIR holds diarization/{*.flac,*.rttm}, speech/{dev-aishell-s0252,dev-speechocean762}.tar and noise/. Printed: on the meetings,
missed speech and false alarm as shares of the speech time (10 ms frames, no collar; the raw threshold, and with pauses bridged); on clean held-out speech mixed
with held-out noise, the share of wrong 32 ms windows and the area under the ROC curve against the teacher's labels of the clean
speech; on held-out noise, tones and music alone, false alarms; and the largest difference between one window at a time and many at once.
"""
import argparse
import pathlib
import random
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from augment import bare, load_noise, load_rooms, loop, reverberate
from data import RATE, WINDOW, decode, decode_tar, silero
from runtime import Session

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def student(session, audio, state_size):
    """The student's probabilities, [N, windows], one window at a time, and the milliseconds a window took."""
    count = audio.shape[1] // WINDOW
    state, out, spent = np.zeros((len(audio), state_size), np.float32), np.empty((len(audio), count), np.float32), 0.0
    for i in range(count):
        answer = session.run({"audio": audio[:, i * WINDOW:(i + 1) * WINDOW], "state": state})
        out[:, i], state = answer["probability"][:, 0], answer["state_out"]
        spent += session.elapsed
    return out, 1000 * spent / count


def whole_windows(audio):
    audio = np.asarray(audio, np.float32)
    return np.pad(audio, (0, -len(audio) % WINDOW))


def per_frame(windows):
    """One value per 32 ms window -> one per 10 ms frame, that of the window at the frame's middle."""
    return np.repeat(windows, WINDOW)[RATE // 200::RATE // 100]


def reference(rttm, name, frames):
    """Speech or not for each 10 ms frame, the speakers of an RTTM file joined."""
    mask = np.zeros(frames, bool)
    for line in rttm.read_text().splitlines():
        field = line.split()
        if field and field[1] == name:
            mask[round(100 * float(field[3])):round(100 * (float(field[3]) + float(field[4])))] = True
    return mask


def spoken(probability, start, hold=6, lead=1):
    """Windows within speech as a server decides it: on at `start`, off after `hold` windows below `start` - .15, `lead` windows added
    before; [windows] bool."""
    out, on, quiet = np.zeros(len(probability), bool), False, 0
    for i, p in enumerate(probability):
        if p >= start:
            out[max(0, i - lead):i] |= not on
            on, quiet = True, 0
        elif on:
            quiet = quiet + 1 if p < start - 0.15 else 0
            on = quiet <= hold
        out[i] = on
    return out


def area(score, truth):
    """Area under the ROC curve, by ranks."""
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    positive = truth.sum()
    return (ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive))


def held_out_scenes(data, name, rng):
    """Clean recordings one after another with a second of pause, cut to equal rows of about 12 s, [N, samples]."""
    audio = []
    for piece in decode_tar(data / "speech" / f"{name}.tar", 60, rng):
        audio += [piece.astype(np.float32) / 32768, np.zeros(RATE, np.float32)]
    audio = np.concatenate(audio)
    row = 375 * WINDOW
    return audio[:len(audio) // row * row].reshape(-1, row)


def mix(clean, speech, noise, rooms, snr, rng):
    """Adds held-out noise at an SNR in dB over the speech's own level; at a third of the rows, in the held-out room."""
    out = np.empty_like(clean)
    for i, row in enumerate(clean):
        wet = reverberate(row, rooms[0]) if rooms and i % 3 == 0 else row
        added = loop(noise[i % len(noise)], len(row), rng)
        level = np.sqrt(np.mean(wet[np.repeat(speech[i], WINDOW)] ** 2)) if speech[i].any() else 0.05
        out[i] = wet + added * level * 10 ** (-snr / 20) / (np.std(added) + 1e-9)
    return np.clip(out * (0.5 / np.abs(out).max(1, keepdims=True)), -1, 1).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--state", type=int, default=6080, help="length of the student's state")
    args = parser.parse_args()
    rng, numbers = random.Random(7), np.random.default_rng(7)
    ours, silent = Session(args.onnx), Session(args.teacher)
    models = {"student": lambda a: student(ours, a, args.state)[0], "teacher": lambda a: silero(silent, a)}

    print("meetings: missed + false alarm, % of speech time, at thresholds", THRESHOLDS)
    recordings = sorted((args.data / "diarization").glob("*.flac"))
    rttm = next((args.data / "diarization").glob("*.rttm"))
    for name, model in models.items():
        wrong, held = np.zeros((len(THRESHOLDS), 2)), np.zeros((len(THRESHOLDS), 2))
        speech, scores, truths = 0, [], []
        for file in recordings:
            audio = whole_windows(decode(file) / 32768)
            windows = model(audio[None])[0]
            probability = per_frame(windows)
            truth = reference(rttm, file.stem, len(probability))
            speech += truth.sum()
            scores.append(probability), truths.append(truth)
            for k, t in enumerate(THRESHOLDS):
                wrong[k] += [(truth & (probability < t)).sum(), (~truth & (probability >= t)).sum()]
                said = per_frame(spoken(windows, t))
                held[k] += [(truth & ~said).sum(), (~truth & said).sum()]
        print(f"  {name}: area {area(np.concatenate(scores), np.concatenate(truths)):.4f}")
        for kind, errors in (("raw", wrong), ("held 192 ms", held)):
            print(f"    {kind}: " + "  ".join(f"{m:.1f}+{f:.1f}={m + f:.1f}" for m, f in 100 * errors / speech), flush=True)

    noise, rooms = load_noise(args.data / "noise", held_out=True), load_rooms(args.data / "noise", held_out=True)
    choice = {name: [] for name in models}
    for corpus in ("dev-aishell-s0252", "dev-speechocean762"):
        clean = held_out_scenes(args.data, corpus, rng)
        truth = models["teacher"](clean) > 0.5
        print(f"{corpus}: {clean.size / RATE / 60:.1f} min, speech {100 * truth.mean():.0f} %; wrong windows % at .5, area")
        for snr in (60, 20, 15, 10, 5, 0):
            audio = mix(clean, truth, noise, rooms if snr < 60 else [], snr, numbers)
            line = []
            for name, model in models.items():
                p = model(audio)
                choice[name].append([np.mean((p > t) != truth) for t in THRESHOLDS])
                line.append(f"{name} {100 * np.mean((p > 0.5) != truth):.1f} (missed {100 * np.mean(truth & (p <= 0.5)) / truth.mean():.1f} of speech, "
                            f"false {100 * np.mean(~truth & (p > 0.5)) / (~truth).mean():.1f} of pauses) {area(p.ravel(), truth.ravel()):.4f}")
            print(f"  {'quiet' if snr == 60 else f'{snr} dB'}: " + "; ".join(line), flush=True)

    print("all of these together: wrong windows % at thresholds", THRESHOLDS)
    for name, wrong in choice.items():
        print(f"  {name}: " + "  ".join(f"{100 * w:.2f}" for w in np.mean(wrong, 0)), flush=True)

    steady = np.sin(2 * np.pi * 440 * np.arange(312 * WINDOW) / RATE)[None].astype(np.float32)
    strange = np.stack([whole_windows(bare(312 * WINDOW, numbers)) for _ in range(40)])
    print("tones, music and hum, 40 of 10 s, and 440 Hz at 0.01, 0.1 and 0.5: % of windows above .3 / .4 / .5 / .7")
    for name, model in models.items():
        for p in (model(strange), model(np.concatenate([steady * level for level in (0.01, 0.1, 0.5)]))):
            print(f"  {name} " + " / ".join(f"{100 * np.mean(p > t):.1f}" for t in (0.3, 0.4, 0.5, 0.7)), flush=True)

    print("noise alone: % of windows above .3 / .4 / .5 / .7")
    for level in (0.3, 0.03):
        rows = [np.stack([whole_windows(n)[:WINDOW * (len(n) // WINDOW)]]) * (level / (np.abs(n).max() + 1e-9)) for n in noise]
        for name, model in models.items():
            p = np.concatenate([model(r.astype(np.float32))[0] for r in rows])
            print(f"  peak {level}: {name} " + " / ".join(f"{100 * np.mean(p > t):.1f}" for t in (0.3, 0.4, 0.5, 0.7)))

    batch = np.stack([audio[i] for i in range(4)])
    together, spent = student(ours, batch, args.state)
    alone = np.concatenate([student(ours, row[None], args.state)[0] for row in batch])
    print(f"largest difference between a batch of 4 and alone: {np.abs(together - alone).max():.2e}")
    one = student(ours, batch[:1], args.state)[1]
    silero(silent, batch[:1, :WINDOW * 20])
    print(f"one window, one stream: {one:.3f} ms; four streams: {spent:.3f} ms; teacher, one stream: {1000 * silent.elapsed:.3f} ms")


if __name__ == "__main__":
    main()
