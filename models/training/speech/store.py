"""Folders of sound for training: NAME.pcm holds int16 at 16 kHz one recording after another, NAME.jsonl says where each is and what is said."""
import json

import numpy as np

RATE = 16000


class Writer:
    """Writes one store; what is there already is replaced when it is closed."""

    def __init__(self, folder, name):
        folder.mkdir(parents=True, exist_ok=True)
        self.paths = [folder / f"{name}.pcm", folder / f"{name}.jsonl"]
        self._files = [open(f"{self.paths[0]}.part", "wb"), open(f"{self.paths[1]}.part", "w", encoding="utf-8")]
        self.samples = self.count = 0

    def add(self, sound, **fields):
        """Appends int16 sound [N] with the fields that describe it (`speaker`, `text`, ...)."""
        self._files[0].write(np.ascontiguousarray(sound, np.int16).tobytes())
        self._files[1].write(json.dumps({"start": self.samples, "length": len(sound), **fields}, ensure_ascii=False) + "\n")
        self.samples += len(sound)
        self.count += 1

    def close(self):
        for f, path in zip(self._files, self.paths):
            f.close()
            (path.parent / f"{path.name}.part").rename(path)


class Store:
    """One store, mapped into memory. `rows` are the dicts of its index."""

    def __init__(self, folder, name):
        self.name = name
        with open(folder / f"{name}.jsonl", encoding="utf-8") as f:
            self.rows = [json.loads(line) for line in f]
        self._samples = np.memmap(folder / f"{name}.pcm", np.int16, "r")

    def sound(self, i):
        """int16 [N]."""
        row = self.rows[i]
        return self._samples[row["start"]:row["start"] + row["length"]]

    @property
    def hours(self):
        return len(self._samples) / RATE / 3600
