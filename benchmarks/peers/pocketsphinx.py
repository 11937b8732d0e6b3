#!/usr/bin/python3
"""Has pocketsphinx hear a folder, for comparing its errors and speed with ours on the same files.

  benchmarks/peers/pocketsphinx.py DIR --hmm MODEL --lm FILE --dict FILE [--out raw.jsonl] [--limit N]
  courtsense eval asr DIR --score raw.jsonl

Debian 12: pocketsphinx ffmpeg. Debian has no Mandarin model for it (only pocketsphinx-en-us): without --hmm, --lm and --dict the
English one is taken, whose words are wrong on Mandarin, so that only the speed says something. A Mandarin model is taken
from CMU Sphinx's own releases (zh_cn). Decoding is one file after the other on one thread, as pocketsphinx does; the time is
that of the decoder by its own account of processor time, features included, without loading the model.
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

SOUNDS = {".wav", ".flac", ".mp3", ".opus", ".ogg"}
ENGLISH = pathlib.Path("/usr/share/pocketsphinx/model/en-us")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("dir", type=pathlib.Path)
    a.add_argument("--hmm", default=str(ENGLISH / "en-us"))
    a.add_argument("--lm", default=str(ENGLISH / "en-us.lm.bin"))
    a.add_argument("--dict", default=str(ENGLISH / "cmudict-en-us.dict"))
    a.add_argument("--out", type=pathlib.Path, default="raw.jsonl")
    a.add_argument("--limit", type=int, default=0)
    a = a.parse_args()
    files = sorted(f for f in a.dir.iterdir() if f.suffix in SOUNDS and f.with_suffix(".txt").exists())
    files = files[:a.limit or None]
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        seconds = {}
        for f in files:
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(f), "-ac", "1", "-ar", "16000", "-f", "s16le", str(tmp / (f.stem + ".raw"))], check=True)
            seconds[f.stem] = (tmp / (f.stem + ".raw")).stat().st_size / 32000
        (tmp / "ctl").write_text("".join(f.stem + "\n" for f in files))
        run = subprocess.run(["pocketsphinx_batch", "-hmm", a.hmm, "-lm", a.lm, "-dict", a.dict, "-ctl", str(tmp / "ctl"), "-cepdir", str(tmp),
                              "-cepext", ".raw", "-adcin", "yes", "-hyp", str(tmp / "hyp")], check=True, capture_output=True, text=True)
        said = {m[2]: m[1] for m in re.finditer(r"^(.*?)\s*\((\S+) -?\d+\)$", (tmp / "hyp").read_text(), re.M)}
        took = [float(x) for x in re.findall(r"INFO: batch\.c\(\d+\): \S+: [\d.]+ seconds speech, ([\d.]+) seconds CPU", run.stderr)]
    with open(a.out, "w", encoding="utf-8") as out:
        for i, f in enumerate(files):
            out.write(json.dumps({"name": f.stem, "file": f.name, "output": said.get(f.stem, ""), "audio_seconds": seconds[f.stem],
                                  "seconds": took[i] if i < len(took) else 0}, ensure_ascii=False) + "\n")
    total = sum(seconds.values())
    print(f"{len(files)} files, {total:.1f} s of sound, {sum(took):.1f} s of processor time, real-time factor {sum(took) / total:.4f}")


if __name__ == "__main__":
    main()
