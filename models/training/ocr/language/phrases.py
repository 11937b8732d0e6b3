"""How often the training texts hold runs of one to five classes: what an LSTM of this size learns slowly, a count knows at once.

A run is known by its hash alone. The file (docs/models.md) holds for each run that is frequent enough a fingerprint of 11 bits and the
logarithm of its count in 5 bits, in buckets by the hash's first bits, so that a run costs 2 bytes and a look at a few neighbours
(lossy counts for translation: Talbot & Osborne 2007). A run that is not there is taken for another one with a chance of a few in a
thousand.
"""
import struct

import numpy as np

from text import streams

ORDERS = (1, 2, 3, 5)           # fours add nothing to these on held-out pages
LEAST = {1: 1, 2: 2, 3: 3, 5: 3}  # count from which a run is kept
CASES = 3                       # times a case's text counts; they are an eighth of the text but nearest to what courts read
STEP = 0.5                      # of the natural logarithm of a count + 0.5
BUCKET = 8                      # entries in a bucket on average
FINGERPRINT, VALUE = 11, 5      # bits


def hashes(text, n):
    """-> uint64 [len(text) - n + 1]: of each run of n classes, from its last class to its first."""
    h = np.zeros(len(text) - n + 1, np.uint64)
    with np.errstate(over="ignore"):
        for i in range(n - 1, -1, -1):
            h = (h ^ (text[i:len(text) - n + 1 + i].astype(np.uint64) + np.uint64(1))) * np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(32)
    return h


def counted(cache, n):
    """-> hashes uint64 and counts int32 of all runs of n classes; kept in `cache`, because counting takes minutes."""
    kept = cache / f"runs-{n}.npz"
    if not kept.exists():
        statutes, cases = streams("train", cache)
        found, counts = np.unique(hashes(np.concatenate([statutes] + [cases] * CASES), n), return_counts=True)
        enough = counts >= min(2, LEAST[n])
        np.savez(kept, hashes=found[enough], counts=counts[enough].astype(np.int32))
    saved = np.load(kept)
    return saved["hashes"], saved["counts"]


def encode(cache):
    """-> the part of the file that holds the runs."""
    found, values = [], []
    for n in ORDERS:
        h, counts = counted(cache, n)
        enough = counts >= LEAST[n]
        found.append(h[enough])
        values.append(np.rint(np.log(counts[enough] + 0.5) / STEP).clip(0, (1 << VALUE) - 1).astype(np.uint16))
    found, values = np.concatenate(found), np.concatenate(values)
    bits = max(1, int(np.ceil(np.log2(len(found) / BUCKET))))
    order = np.argsort(found)
    found, values = found[order], values[order]
    sizes = np.bincount((found >> np.uint64(64 - bits)).astype(np.int64), minlength=1 << bits)
    if sizes.max() > 255:
        raise SystemExit(f"a bucket of {sizes.max()} runs: the hashes are uneven")
    fingerprints = (found >> np.uint64(64 - bits - FINGERPRINT)).astype(np.uint16) & np.uint16((1 << FINGERPRINT) - 1)
    entries = fingerprints << np.uint16(VALUE) | values
    return struct.pack("<2I", bits, len(entries)) + sizes.astype(np.uint8).tobytes() + entries.astype("<u2").tobytes()
