"""The list of words that the punctuator reads besides characters, and the cut of a text into them.

A text is cut where the product of its words' shares is greatest (a unigram model; shortest path from left to right). The file has a word, its kind
and its cost, the negative natural logarithm of its share in hundredths, a line.
"""
import math

KINDS = ("", "n", "nr", "ns", "nt", "nz", "v", "vn", "a", "ad", "an", "d", "p", "c", "u", "r", "m", "q", "t", "f", "s", "b", "i", "l", "j", "y", "z", "k", "g")
"""Kinds of words, by the letters that Chinese corpora label them with (n a noun, v a verb, ...); 0 is none of them."""
LONGEST = 7
OTHER = 18.0
"""Cost of a character that is no word of the list."""
NEVER = 100000
"""Cost, in hundredths, of a word that is listed but never taken, because marks often stand inside it."""


def kind(tag):
    for length in (2, 1):
        if tag[:length] in KINDS:
            return KINDS.index(tag[:length])
    return 0


class Words:
    """The list; id 0 is no word."""

    def __init__(self, entries):
        """entries: {word: (kind, cost)}"""
        self.entries = entries
        self.ids = {w: i + 1 for i, w in enumerate(entries)}

    @classmethod
    def read(cls, path):
        entries = {}
        for line in open(path, encoding="utf-8"):
            word, k, cost = line.split()
            entries[word] = int(k), int(cost) / 100
        return cls(entries)

    def cut(self, text):
        """The text's words."""
        n, entries = len(text), self.entries
        best, back = [0.0] + [math.inf] * n, [0] * (n + 1)
        for i in range(n):
            at = best[i]
            cost = at + (entries[text[i]][1] if text[i] in entries else OTHER)
            if cost < best[i + 1]:
                best[i + 1], back[i + 1] = cost, i
            for j in range(i + 2, min(n, i + LONGEST) + 1):
                e = entries.get(text[i:j])
                if e is not None and at + e[1] < best[j]:
                    best[j], back[j] = at + e[1], i
        out, i = [], n
        while i:
            out.append(text[back[i]:i])
            i = back[i]
        return out[::-1]

    def features(self, text):
        """([id of the word that each character is in], [4 * kind of that word + place in it: 0 alone, 1 first, 2 inside, 3 last])."""
        ids, places = [], []
        for w in self.cut(text):
            i = self.ids.get(w, 0)
            k = 4 * (self.entries[w][0] if i else 0)
            ids += [i] * len(w)
            places += [k] if len(w) == 1 else [k + 1] + [k + 2] * (len(w) - 2) + [k + 3]
        return ids, places
