"""Changes the basis of the features between the network and its classifier, so that both can be rounded to few bits."""
import torch


def root(m):
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(m)
    return vectors @ torch.diag(values.clamp(min=1e-12).sqrt()) @ vectors.T


def balance(net, gate, features, seed=5):
    """Changes the basis of a folded net's `features`, of which rows [n, 144] are given, in place: what it computes stays the same.

    Some features are five times as large as others, the weights of some 80 times as large, and a feature map has one scale for all, a class's weights another.
    With A applied to features and its inverse to weights, A f and A^-T w get equal second moments where A^T A is the geometric mean of the moments of
    w and the inverse of those of f; a random rotation (Ashkboos et al.: QuaRot, NeurIPS 2024) then spreads each over all 144, so that no feature
    stands out. The last convolution has no activation behind it, so A goes into its weights, and the inverse into those of the layers that read features."""
    features, weights = features.double(), net.read.weight.detach().double()
    f, w = features.T @ features / len(features), weights.T @ weights / len(weights)
    half = root(f)
    inverse = torch.linalg.inv(half)
    mean = inverse @ root(half @ w @ half) @ inverse
    rotation, signs = torch.linalg.qr(torch.randn(len(f), len(f), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    a = rotation * signs.diagonal().sign() @ root((mean + mean.T) / 2)
    back = torch.linalg.inv(a)
    with torch.no_grad():
        last = net.trunk[-1]
        last.weight.copy_((a @ last.weight.double().flatten(1)).view_as(last.weight))
        last.bias.copy_(a @ last.bias.double())
        for layer in (net.read, net.place[0], gate.hidden):
            layer.weight.copy_(layer.weight.double() @ back)
