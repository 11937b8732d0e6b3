"""How well embeddings tell held-out speakers apart: equal error rates over pairs of two-second stretches."""
import pathlib
import sys

import numpy as np
import torch
from torch.nn import functional as F

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "speech"))
from features import fbank
from hearing import background, load_noise, load_rooms, reverberate
from store import RATE

SECONDS, STRETCHES = 2, 8


def stretches(store, rng):
    """Labels and sounds, int16 scale: eight stretches of two seconds of each held-out speaker, over all of what there is."""
    labels, sounds = [], []
    for i, row in enumerate(store.rows):
        if not row["held"]:
            continue
        whole, n = store.sound(i).astype(np.float32), SECONDS * RATE
        for at in np.linspace(0, max(0, len(whole) - n), STRETCHES).astype(int):
            part = np.resize(whole[at:at + n], n)
            labels.append(i)
            sounds.append(part * (3000 / (np.sqrt(np.mean(part**2)) + 1)) * 10 ** (rng.uniform(-8, 8) / 20))
    return labels, sounds


def far(sounds, noise, rng):
    """The same in a room and over noise that training does not hear, 5 to 20 dB."""
    recorded, rooms = load_noise(noise, True), load_rooms(noise, True)
    out = []
    for sound in sounds:
        wet = reverberate(sound, rooms[rng.integers(len(rooms))])
        loud = np.sqrt(np.mean(wet**2))
        out.append(wet + background(len(wet), recorded, rng) * loud * 10 ** (-rng.uniform(5, 20) / 20))
    return out


def features(sounds):
    """[N, T, 80], each one's mean over time taken off."""
    x = fbank(torch.from_numpy(np.stack(sounds).astype(np.float32)))
    return x - x.mean(1, keepdim=True)


def trials(store, noise, seed=7):
    """{condition: (features, labels)}."""
    rng = np.random.default_rng(seed)
    labels, sounds = stretches(store, rng)
    return {"near": (features(sounds), labels), "far": (features(far(sounds, noise, rng)), labels)}


def embed(net, feats):
    """Unit vectors [N, D] of features [N, T, 80]."""
    training = net.training
    net.eval()
    with torch.no_grad():
        out = F.normalize(torch.cat([net(part) for part in feats.split(16)]))
    net.train(training)
    return out.numpy()


def rate(scores, same):
    """The rate at which as many pairs of one speaker are refused as pairs of two are accepted."""
    order = np.argsort(scores)
    refused = np.cumsum(same[order]) / same.sum()
    accepted = 1 - np.cumsum(~same[order]) / (~same).sum()
    at = np.argmin(np.abs(refused - accepted))
    return (refused[at] + accepted[at]) / 2


def equal_error(net, feats, labels):
    vectors, labels = embed(net, feats), np.array(labels)
    first, second = np.triu_indices(len(labels), 1)
    return rate((vectors @ vectors.T)[first, second], labels[first] == labels[second])
