"""Has espeak-ng read statutes, cases, questions and news: synthetic speech with its transcripts.

python3 models/training/speech/synthesise.py --texts WORK/text --out WORK/sound [--count 12000] [--check 60] [--seed 1]

WORK/text is what language/texts.py wrote. Sentences and voices that evalset.py measures on are left out. Written: WORK/sound/synthetic
and, in a tenth of the voices that training never meets either, WORK/sound/synthetic-check (stores, see store.py). Numbers stand in the
transcripts as they are spoken.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import io
import pathlib
import random
import re
import subprocess
import wave

import numpy as np
from scipy import signal

import evalset
from store import RATE, Writer

KINDS = {"statutes": 0.55, "cases": 0.2, "conversation": 0.15, "news": 0.1}
HAN = re.compile("[\u4e00-\u9fff]+")
DIGITS, UNITS = "零一二三四五六七八九", ("", "十", "百", "千")


@functools.lru_cache(maxsize=None)
def voices(check):
    """The variants that may be heard in training, or the tenth of them that only shows how it goes."""
    rows = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    names = {row.split()[4].removeprefix("!v/") for row in rows} - evalset.EFFECTS
    return [n for n in sorted(names) if not evalset.is_evaluation_voice(n) and (hashlib.sha256(n.encode()).digest()[1] % 10 == 0) == check]


def cardinal(digits):
    """'1050' -> 一千零五十; below 10**16."""
    value, groups = int(digits), []
    if value == 0:
        return "零"
    while value:
        value, group = divmod(value, 10000)
        groups.append(group)
    out = ""
    for place in reversed(range(len(groups))):
        group, text = groups[place], ""
        for unit in reversed(range(4)):
            digit = group // 10**unit % 10
            if digit:
                text += DIGITS[digit] + UNITS[unit]
            elif text and not text.endswith("零") and group % 10**unit:
                text += "零"
        if group:
            out += ("零" if out and group < 1000 and not out.endswith("零") else "") + text + ("", "万", "亿", "万亿")[place]
    return out[1:] if out.startswith("一十") else out


def spoken(text):
    """Numbers as they are read: years and long numbers digit by digit, the rest as cardinals."""
    text = text.translate(str.maketrans("０１２３４５６７８９％．", "0123456789%."))
    one_by_one = lambda m: "".join(DIGITS[int(d)] for d in m.group(1))
    text = re.sub(r"(\d{4})(?=年)", one_by_one, text)
    text = re.sub(r"(\d+(?:\.\d+)?)%", r"百分之\1", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(\d{1,16})\.(\d+)", lambda m: cardinal(m.group(1)) + "点" + "".join(DIGITS[int(d)] for d in m.group(2)), text)
    text = re.sub(r"(\d{13,})", one_by_one, text)
    return re.sub(r"\d+", lambda m: cardinal(m.group()), text)


def clauses(paragraph, longest=30):
    """Yields (what is read, its characters): pieces to be said in a breath or two, none of them for measuring."""
    for sentence in evalset.pieces(paragraph):
        if not sentence or evalset.is_evaluation(sentence):
            continue
        piece = ""
        for part in re.findall("[^，、,：:]+[，、,：:]?", spoken(re.sub("[（(][^（）()]*[）)]|\\s", "", sentence))) + [None]:
            if part is None or piece and len(piece) + len(part) > longest:
                plain = re.sub("[，、,：:“”‘’《》〈〉\"'—…·-]", "", piece)
                if 3 <= len(plain) <= 60 and HAN.fullmatch(plain):
                    yield piece, plain
                piece = ""
            piece += part or ""


def read(piece, voice, speed, pitch):
    """A piece in a voice: int16 at 16 kHz, the silence at its ends cut to a tenth of a second."""
    done = subprocess.run(["espeak-ng", "-v", evalset.VOICE + voice, "-s", str(speed), "-p", str(pitch), "--stdin", "--stdout"],
                          input=piece.encode(), stdout=subprocess.PIPE, check=True)
    with wave.open(io.BytesIO(done.stdout)) as w:
        rate, samples = w.getframerate(), np.frombuffer(w.readframes(1 << 30), np.int16)
    sound = signal.resample_poly(samples.astype(np.float32), RATE // 50, rate // 50)
    loud = np.flatnonzero(np.abs(sound) > 200)
    if len(loud):
        sound = sound[max(0, loud[0] - RATE // 10):loud[-1] + RATE // 10]
    return np.clip(sound, -32768, 32767).astype(np.int16)


def write(out, name, count, names, texts, rng):
    jobs = []
    while len(jobs) < count:
        found = list(clauses(rng.choice(rng.choices(*texts)[0])))
        if found:
            jobs.append((*rng.choice(found), rng.choice(names), rng.randint(130, 260), rng.randint(15, 85)))
    store = Writer(out, name)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for sound, (_, plain, voice, *_) in zip(pool.map(lambda j: read(j[0], *j[2:]), jobs), jobs):
            if len(sound) > RATE:
                store.add(sound, text=plain, speaker=voice)
    store.close()
    print(f"{name}: {store.count} readings in {len(names)} voices, {store.samples / RATE / 3600:.2f} h", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=12000)
    parser.add_argument("--check", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    texts = ([(args.texts / f"{k}.train.txt").read_text("utf-8").splitlines() for k in KINDS], list(KINDS.values()))
    write(args.out, "synthetic-check", args.check, voices(True), texts, rng)
    write(args.out, "synthetic", args.count, voices(False), texts, rng)


if __name__ == "__main__":
    main()
