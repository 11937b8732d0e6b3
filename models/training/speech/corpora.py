"""Decodes the recorded speech into stores (see store.py).

python3 models/training/speech/corpora.py --data DIR --out WORK/sound

DIR holds speech/NAME.tar of NAME.opus with NAME.txt. Recordings that show how training goes are written apart, as NAME-check: forty of
AISHELL's, the queries to a car whose text's hash says so, and four speakers of the isolated words.
"""
import argparse
import concurrent.futures
import hashlib
import pathlib
import subprocess
import tarfile

import numpy as np

from store import RATE, Writer

CORPORA = ("aishell-s0150", "navigation", "isolated-words", "syllables", "speechocean762")


def is_check(corpus, name, text):
    """Whether a recording is kept from training. Queries of one text go the same way, and so do the words of one speaker."""
    share = lambda of: hashlib.sha256(of.encode()).digest()[0]
    if corpus == "aishell-s0150":
        return share(text) < 20
    if corpus == "navigation":
        return share(text) < 64
    return corpus == "isolated-words" and share(name.split("-")[0]) < 43


def decode(encoded):
    """A file's bytes, of any format that ffmpeg reads, as int16 mono."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"],
                          input=encoded, stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.int16)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    for corpus in CORPORA:
        with tarfile.open(args.data / "speech" / f"{corpus}.tar") as tar:
            files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
        names = sorted(n for n in files if not n.endswith((".txt", ".csv")))
        texts = [files[str(pathlib.PurePath(n).with_suffix(".txt"))].decode().strip() for n in names]
        stores = {False: Writer(args.out, corpus)}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, text, sound in zip(names, texts, pool.map(lambda n: decode(files[n]), names)):
                check = is_check(corpus, pathlib.PurePath(name).stem, text)
                if check not in stores:
                    stores[check] = Writer(args.out, f"{corpus}-check")
                stores[check].add(sound, text=text, name=pathlib.PurePath(name).stem)
        for check, store in stores.items():
            store.close()
            print(f"{corpus}{'-check' * check}: {store.count} recordings, {store.samples / RATE / 3600:.2f} h", flush=True)


if __name__ == "__main__":
    main()
