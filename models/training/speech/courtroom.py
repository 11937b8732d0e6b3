"""Makes hearings on several microphones, of which each hears the other seats too: what `courtsense eval roles` measures on.

python3 models/training/speech/courtroom.py --data DATA --out DIR [--hearings 10] [--minutes 4] [--seed 1] [--plain] [--answers SHARE]
    [--noise FROM TO] [--one-microphone] [--synthetic 2]

DATA is the folder of data (speech/*.tar, noise). Four people sit at a microphone each: judge, plaintiff, defendant and witness, two of them
real speakers (of AISHELL and speechocean762), two (--synthetic) espeak-ng voices that training leaves out. They take turns; one turn in ten begins before the
one before it has ended. Every microphone hears the other seats 12 to 25 dB fainter than they hear themselves, 2 to 15 ms later and with
the reverberation of the room, and noise, partly the same at all seats, 20 to 35 dB below speech. With --answers so many of the turns
are a short answer: 是, 没有 and the like, or the first half second of a sentence.

With --one-microphone one of them hears all, and the truth has no seats. The judge is a synthetic voice then, and the talk goes as in a
hearing: the judge says a sentence at a time, whom the judge calls upon speaks next, but for one time in seven, and a party is followed by
the judge, or by another party unasked one time in four. The real speakers read sentences that have nothing to do with hearings. Written:

  DIR/hearing-00.wav   16-bit, 16 kHz, a channel a seat
  DIR/hearing-00.json  who sits where, every turn with its seat, role, begin, end and words, and how seats leak
  DIR/hearing-00.rttm  the turns as NIST's tools want them, with the roles as speakers

A run gives the same turns every time, and the same sound with the same espeak-ng. Needs espeak-ng and ffmpeg.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import sys
import tarfile
import wave

import numpy as np
from scipy import signal

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vad")]
import evalset
from augment import coloured, load_noise, loop, synthetic_room
from corpora import decode
from store import RATE
from synthesise import read

ROLES = ("judge", "plaintiff", "defendant", "witness")
SAYINGS = {
    "judge": ["请原告陈述诉讼请求和事实理由", "被告对原告提交的证据有无异议", "请证人陈述当天看到的情况", "双方是否同意调解", "现在进行法庭辩论",
              "原告还有没有补充", "请被告发表质证意见", "法庭调查到此结束", "证人可以坐下", "请如实回答法庭的提问"],
    "plaintiff": ["请求判令被告归还借款并支付利息", "被告在合同上签了字", "货物已经全部交付", "我们多次催讨没有结果", "对该证据的真实性没有异议",
                  "双方在去年三月签订了买卖合同", "我同意调解", "没有补充", "对方一直没有付款", "请求法庭支持我的诉讼请求"],
    "defendant": ["我没有收到这批货物", "合同上的签字不是我本人所写", "请求驳回原告的全部诉讼请求", "对该证据的关联性不予认可", "我已经归还了一部分借款",
                  "利息约定过高", "没有异议", "我方不同意调解", "对方交付的货物有质量问题", "我愿意分期支付"],
    "witness": ["那天我在现场看见他们签了合同", "当时有三个人在场", "我是原告的同事", "具体时间我记不清了", "我保证如实作证", "是的我听见了",
                "他们后来吵了起来", "钱是当面交给他的", "这个我不清楚", "我看到货车停在门口"],
}
# Whom the judge's sayings call upon; after the others the judge goes on.
ADDRESSED = {"请原告陈述诉讼请求和事实理由": "plaintiff", "被告对原告提交的证据有无异议": "defendant", "请证人陈述当天看到的情况": "witness",
             "双方是否同意调解": "plaintiff", "原告还有没有补充": "plaintiff", "请被告发表质证意见": "defendant", "请如实回答法庭的提问": "witness"}
ANSWERS = ["是", "对", "有", "没有", "不是", "同意", "不清楚", "听清了"]


def real_speakers(data):
    """{name: encoded recordings} of speakers with enough to say."""
    speakers = collections.defaultdict(list)
    for corpus in ("dev-aishell-s0252", "aishell-s0150", "speechocean762"):
        with tarfile.open(data / "speech" / f"{corpus}.tar") as tar:
            for m in sorted((m for m in tar if m.isfile() and not m.name.endswith((".txt", ".csv"))), key=lambda m: m.name):
                who = os.path.basename(m.name).split("-")[0] if corpus == "speechocean762" else corpus
                if len(speakers[who]) < 60:
                    speakers[who].append(tar.extractfile(m).read())
    return {who: files for who, files in speakers.items() if len(files) >= 8}


def trimmed(sound):
    """A recording without the silence around it, at unit level, float32."""
    sound = sound.astype(np.float32) / 32768
    frames = np.sqrt(np.mean(np.square(sound[:len(sound) // 160 * 160].reshape(-1, 160)), axis=1) + 1e-12)
    loud = np.flatnonzero(frames > 0.06 * np.quantile(frames, 0.95))
    sound = sound[max(0, loud[0] - 2) * 160:(loud[-1] + 3) * 160]
    return sound / (np.sqrt(np.mean(np.square(sound))) + 1e-9)


class Voice:
    """Somebody who can say something."""

    def __init__(self, name, role, files, rng, answers=0, brief=False):
        self.name, self.role, self.files, self.rng, self.answers, self.brief = name, role, files, rng, answers, brief
        self.speed, self.pitch = rng.randint(140, 190), rng.randint(25, 75)

    def say(self):
        if self.files:
            return trimmed(decode(self.rng.choice(self.files))), ""
        words = self.rng.choice(SAYINGS[self.role])
        return trimmed(read(words, self.name, self.speed, self.pitch)), words

    def answer(self):
        """A word, and no more of it than 0.6 s."""
        if not self.files:
            words = self.rng.choice(ANSWERS)
            return trimmed(read(words, self.name, self.speed, self.pitch)), words
        sound = self.say()[0][:int(self.rng.uniform(0.3, 0.6) * RATE)]
        sound[-RATE // 50:] *= np.linspace(1, 0, RATE // 50, dtype=np.float32)[:len(sound)]
        return sound / (np.sqrt(np.mean(np.square(sound))) + 1e-9), ""

    def turn(self):
        """One to three sayings (of the brief, one) with a breath between them, or an answer."""
        if self.answers and self.rng.random() < self.answers:
            return self.answer()
        sound, words = self.say()
        for _ in range(0 if self.brief else self.rng.choice([0, 0, 1, 1, 2])):
            more, said = self.say()
            sound = np.concatenate([sound, np.zeros(int(self.rng.uniform(0.1, 0.35) * RATE), np.float32), more])
            words += said
        return sound, words


def anyone(voices, turns, rng):
    """Who speaks next: anybody else."""
    return rng.choice([s for s in range(len(voices)) if not turns or s != turns[-1][0]])


def called(voices, turns, rng):
    """Who speaks next in a hearing that the judge leads."""
    seats = {v.role: s for s, v in enumerate(voices)}
    if not turns:
        return seats["judge"]
    last, words = turns[-1][0], turns[-1][3]
    if last != seats["judge"]:
        return rng.choice([s for s in seats.values() if s not in (last, seats["judge"])]) if rng.random() < 0.25 else seats["judge"]
    if rng.random() < 1 / 7:
        return anyone(voices, turns, rng)
    return next((seats[role] for saying, role in ADDRESSED.items() if words.endswith(saying)), seats["judge"])


def schedule(voices, seconds, rng, following):
    """Turns (seat, first sample, sound, words, whether it interrupts). `following` tells who speaks next."""
    turns, at, before = [], int(rng.uniform(0.5, 2) * RATE), None
    while at < seconds * RATE:
        seat = following(voices, turns, rng)
        sound, words = voices[seat].turn()
        interrupts = before not in (None, seat) and rng.random() < 0.1
        if interrupts:
            length = len(turns[-1][2])
            at = max(turns[-1][1] + length // 3, turns[-1][1] + length - int(rng.uniform(0.5, 1.5) * RATE))
        turns.append((seat, at, sound, words, interrupts))
        at = max(t[1] + len(t[2]) for t in turns[-2:]) + int((0.15 + min(rng.expovariate(1 / 0.6), 4)) * RATE)
        before = seat
    return turns


def way(rng, level, delay):
    """The impulse response from a seat to a microphone: its whole power is `level` dB, its first sound comes `delay` samples late."""
    room = synthetic_room(rng)
    room = np.concatenate([np.zeros(delay), room[:int(0.4 * RATE)]])
    return room * 10 ** (level / 20) / np.sqrt(np.sum(np.square(room)))


def own_way(rng):
    """From a mouth to its own microphone: hardly any room."""
    room = synthetic_room(rng)[:int(0.3 * RATE)]
    room[1:] *= 0.25
    return room / np.sqrt(np.sum(np.square(room)))


def hearing(folder, name, speakers, noises, seed, args):
    rng, draw = random.Random(seed), np.random.default_rng(random.Random(f"{seed} sound").randrange(1 << 32))
    roles = list(ROLES)
    rng.shuffle(roles)
    people = rng.sample(sorted(speakers), len(roles) - args.synthetic) + rng.sample(evalset.voices(), args.synthetic)
    rng.shuffle(people)
    if args.one_microphone and people[roles.index("judge")] in speakers:
        other = next(s for s, p in enumerate(people) if p not in speakers)
        people[roles.index("judge")], people[other] = people[other], people[roles.index("judge")]
    voices = [Voice(p, r, speakers.get(p), random.Random(f"{seed} {p}"), args.answers,
                    args.one_microphone and r == "judge") for p, r in zip(people, roles)]
    turns = schedule(voices, args.minutes * 60, rng, called if args.one_microphone else anyone)
    seats = len(voices)
    samples = max(at + len(sound) for _, at, sound, *_ in turns) + 2 * RATE
    levels = [10 ** ((-26 + rng.uniform(-4, 4)) / 20) for _ in voices]
    dry = np.zeros((seats, samples), np.float32)
    for seat, at, sound, *_ in turns:
        dry[seat, at:at + len(sound)] += sound * levels[seat]
    leak = [[0 if i == j else round(rng.uniform(-25, -12), 1) for j in range(seats)] for i in range(seats)]
    delay = [[0 if i == j else rng.randint(2 * RATE // 1000, 15 * RATE // 1000) for j in range(seats)] for i in range(seats)]
    heard = np.zeros((1 if args.one_microphone else seats, samples), np.float32)
    for i in range(len(heard)):
        for j in range(seats):
            if i != j and args.plain:
                continue
            room = own_way(draw) if i == j or args.one_microphone else way(draw, leak[i][j], delay[i][j])
            heard[i] += signal.oaconvolve(dry[j], room)[:samples].astype(np.float32)
    common = loop(noises[draw.integers(len(noises))], samples, draw)
    common = common / (np.std(common) + 1e-9)
    for i in range(len(heard)):
        level = levels[i] * 10 ** (-rng.uniform(*args.noise) / 20)
        alone = coloured(1 << 18, draw)
        heard[i] += level * (0.7 * common + 0.7 * np.resize(alone / np.std(alone), samples)).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / f"{name}.wav"), "wb") as w:
        w.setnchannels(len(heard))
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes((np.clip(heard.T, -1, 1) * 32767).astype("<i2").tobytes())
    truth = {
        "seats": [{"channel": c, "role": v.role, "voice": v.name} for c, v in enumerate(voices)],
        "turns": [{"channel": s, "role": voices[s].role, "start": round(at / RATE, 3), "end": round((at + len(sound)) / RATE, 3), "interrupts": i,
                   "text": words} for s, at, sound, words, i in turns],
        "leak_db": leak, "delay_ms": [[round(1000 * d / RATE, 1) for d in row] for row in delay],
    }
    if args.one_microphone:
        truth = {"speakers": [{"role": v.role, "voice": v.name} for v in voices],
                 "turns": [{k: v for k, v in t.items() if k != "channel"} for t in truth["turns"]]}
    (folder / f"{name}.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.rttm").write_text("".join(
        f"SPEAKER {name} 1 {t['start']:.3f} {t['end'] - t['start']:.3f} <NA> <NA> {t['role']} <NA> <NA>\n" for t in truth["turns"]), encoding="utf-8")
    return len(turns), samples / RATE


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--hearings", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="no microphone hears another seat: what is lost without any cross-talk")
    parser.add_argument("--one-microphone", action="store_true", help="one microphone hears all, and the judge leads")
    parser.add_argument("--synthetic", type=int, choices=range(1, len(ROLES) + 1), default=2, help="how many of the voices are synthetic")
    parser.add_argument("--answers", type=float, default=0, help="share of the turns that are short answers, 0 to 1")
    parser.add_argument("--noise", type=float, nargs=2, default=(20, 35), metavar=("FROM", "TO"), help="dB below speech")
    args = parser.parse_args()
    speakers, noises = real_speakers(args.data), load_noise(args.data / "noise")
    for n in range(args.hearings):
        turns, seconds = hearing(args.out, f"hearing-{n:02d}", speakers, noises, f"{args.seed}-{n}", args)
        print(f"hearing-{n:02d}: {turns} turns, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
