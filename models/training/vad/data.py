"""Prepares the voice activity data: decodes speech, lays it out as clean scenes with pauses, and lets the teacher label them.

python3 models/training/vad/data.py --data DIR --teacher silero_vad_16k_op15.onnx --out DIR [--scenes 1200] [--seed 1]

DIR holds speech/{aishell-s0150,speechocean762,navigation,isolated-words,syllables}.tar of audio files that ffmpeg reads.
Synthetic speech by espeak-ng is added where that program is installed. Written: scenes.npy (int16 [N, 256000], 16 s each)
and labels.npy (float16 [N, 500], the teacher's probability for each 512-sample window of the clean scene).
"""
import argparse
import concurrent.futures
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtime import Session

RATE, WINDOW, SCENE_WINDOWS = 16000, 512, 500
CORPORA = {"aishell-s0150": 500, "speechocean762": 1100, "navigation": 40, "isolated-words": 480, "syllables": 300}
SENTENCES = {
    "cmn": ["现在开庭，请书记员核对当事人身份。", "原告请求判令被告支付货款及利息。", "被告对证据的真实性没有异议。",
            "本庭认为，合同依法成立并生效。", "请证人陈述当天看到的情况。", "双方是否同意调解？休庭十分钟。"],
    "en": ["The hearing is now in session, please be seated.", "Counsel may examine the witness.",
           "The court finds that the contract is valid.", "Please state your name and address for the record."],
}


def decode(path):
    """Any audio file as int16 mono at 16 kHz."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"],
                         stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.int16)


def decode_tar(path, limit, rng):
    """Up to `limit` recordings of a tar, drawn by `rng`."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile() and not m.name.endswith((".txt", ".csv"))), key=lambda m: m.name)
        chosen = rng.sample(members, min(limit, len(members)))
        files = []
        for i, m in enumerate(chosen):
            file = pathlib.Path(folder, f"{i}{pathlib.Path(m.name).suffix}")
            file.write_bytes(tar.extractfile(m).read())
            files.append(file)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(decode, files))


def synthesise(rng):
    """espeak-ng readings at random voices, speeds and pitches."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for language, sentences in SENTENCES.items():
            for sentence in sentences:
                for variant in rng.sample(["m1", "m3", "m7", "f1", "f2", "f4", "f5"], 4):
                    file = f"{folder}/s.wav"
                    subprocess.run(["espeak-ng", "-v", f"{language}+{variant}", "-s", str(rng.randint(130, 200)), "-p",
                                    str(rng.randint(25, 75)), "-w", file, sentence], check=True)
                    out.append(decode(file))
    return out


def scene(pieces, rng):
    """16 s of pieces at random speed and level with pauses between; one scene in twelve is silent."""
    audio = np.zeros(SCENE_WINDOWS * WINDOW, np.float32)
    if rng.random() < 1 / 12:
        return audio.astype(np.int16)
    at = int(rng.expovariate(1 / (0.6 * RATE)))
    while at < len(audio):
        piece = rng.choice(rng.choice(pieces)).astype(np.float32)
        speed = rng.uniform(0.85, 1.15)
        piece = np.interp(np.arange(0, len(piece) - 1, speed), np.arange(len(piece)), piece)
        level = np.sqrt(np.mean(piece[np.abs(piece) > 0.02 * np.abs(piece).max()] ** 2) + 1)
        piece *= 3000 * 10 ** (rng.uniform(-10, 3) / 20) / level
        start = rng.randint(0, max(0, len(piece) - 2 * RATE)) if rng.random() < 0.2 else 0
        piece = piece[start:start + len(audio) - at]
        audio[at:at + len(piece)] = piece
        at += len(piece) + int(rng.expovariate(1 / (rng.choice([0.15, 0.6, 2.5]) * RATE)))
    return np.clip(audio, -32768, 32767).astype(np.int16)


def silero(session, audio):
    """The Silero VAD's probabilities, [N, windows], for audio float32 [N, windows*512] in -1..1."""
    count = audio.shape[1] // WINDOW
    state = np.zeros((2, len(audio), 128), np.float32)
    padded = np.concatenate([np.zeros((len(audio), 64), np.float32), audio], 1)
    out = np.empty((len(audio), count), np.float32)
    for i in range(count):
        window = padded[:, i * WINDOW:i * WINDOW + WINDOW + 64]
        answer = session.run({"input": window, "state": state, "sr": np.array(RATE, np.int64)})
        out[:, i], state = answer["output"][:, 0], answer["stateN"]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--scenes", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    pieces = []
    for name, limit in CORPORA.items():
        pieces.append(decode_tar(args.data / "speech" / f"{name}.tar", limit, rng))
        print(f"{name}: {len(pieces[-1])} recordings, {sum(map(len, pieces[-1])) / RATE / 3600:.2f} h", flush=True)
    try:
        pieces.append(synthesise(rng))
    except FileNotFoundError:
        print("espeak-ng is not installed: no synthetic speech")
    # The long corpora are drawn more often than the short clips.
    weighted = [p for p, times in zip(pieces, (3, 4, 2, 2, 1, 1)) for _ in range(times)]
    scenes = np.stack([scene(weighted, rng) for _ in range(args.scenes)])
    labels = []
    with Session(args.teacher) as session:
        for i in range(0, len(scenes), 100):
            labels.append(silero(session, scenes[i:i + 100].astype(np.float32) / 32768))
            print(f"labelled {i + len(labels[-1])}/{len(scenes)}, speech {np.mean(labels[-1] > 0.5):.2f}", flush=True)
    np.save(args.out / "scenes.npy", scenes)
    np.save(args.out / "labels.npy", np.concatenate(labels).astype(np.float16))


if __name__ == "__main__":
    main()
