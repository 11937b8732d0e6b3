"""Finds the terms of law in the statutes, and causes of action and charges, by counting (speech/proposal/terms.txt, causes.txt).

    python3 models/training/speech/language/terms.py --data DATA --texts WORK/text --out speech/proposal

A term is a run of 2 to 8 characters that the laws which courts apply most and judicial interpretations hold often, whose characters belong together
(its rarest split is still far more frequent than chance: pointwise mutual information), that stands in ever other company on both sides
(entropy of the neighbours), that does not begin or end in a word of grammar, and that statutes use more than news does.
A cause of action is what stands before 纠纷 in the same way; a charge is one that LawBench 3-3 names or the criminal law does.
"""
import argparse
import collections
import json
import pathlib
import re
import sys
import tarfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import texts  # noqa: E402

LONGEST = 8
LEAST = 15
COURTS = re.compile(r"(司法解释|民法典|民法商法|刑法|诉讼与非诉讼程序法|社会法|案例|civil-and-commercial|criminal-law|litigation)[^/]*/")
"""Folders of the laws that courts apply most; the others are mostly for administrations."""
COHESION = 3.0
FREEDOM = 1.5
GRAMMAR_FIRST = set("的了和与及或等其之在对于由被将以为所者不得应可是有该本各并且但而如若当从按依向给又也还都只就后前上下内中外第条款项年月日时个一二三四五六七八九十百千万两这那前此每把使让同经因未无能已作")
GRAMMAR_LAST = set("的了和与及或等其之在对于由被将以为所不得应可是有该本各并且但而如若当从按依向给又也还都只就后前上下内中外第条款项年月日时个一二三四五六七八九十百千万两这那此每把使让时应未无能已作进")


def laws(folder):
    """Yields the paragraphs of the laws that courts apply most."""
    seen = set()
    for archive in ("laws.tar.xz", "just-laws.tar.xz"):
        with tarfile.open(folder / archive) as tar:
            for member in tar:
                if not member.name.endswith(".md") or not COURTS.search(member.name) or re.search(r"README|LICENSE|模版|_index", member.name):
                    continue
                for paragraph in texts.paragraphs(tar.extractfile(member).read().decode("utf-8", "ignore")):
                    if paragraph not in seen:
                        seen.add(paragraph)
                        yield paragraph


def titles(folder):
    """The names of national laws, as one says them."""
    found = set()
    for archive in ("laws.tar.xz", "just-laws.tar.xz"):
        for stem, text in texts.markdown(folder / archive):
            name = texts.title(stem, text)
            if re.fullmatch(r"[\u4e00-\u9fff]{2,14}(法|法典|条例)", name) and not re.search(r"^[^\u4e00-\u9fff]|[省市县州]|办法|委员会", name):
                found.add(name)
    return found


def runs(paragraphs):
    """-> int64 [N]: characters as numbers, 0 between runs of Han characters."""
    text = "\0".join(re.sub(r"[^\u4e00-\u9fff]+", "\0", p) for p in paragraphs)
    return np.array([0 if c == "\0" else ord(c) for c in text], np.int64)


def entropy(groups, neighbours, size):
    """The entropy in nats of the neighbours of each group 0..size-1."""
    keys, counts = np.unique(groups * 65536 + neighbours, return_counts=True)
    group = keys // 65536
    total = np.bincount(group, counts, size)
    return np.bincount(group, -counts / total[group] * np.log(counts / total[group]), size)


def find(codes, least=LEAST):
    """Yields (text, count, cohesion, freedom) of the runs that are frequent."""
    size = len(codes)
    padded = np.concatenate([codes, np.zeros(LONGEST + 1, np.int64)])
    ids, counts = {}, {}
    at = {}
    for n in range(1, LONGEST + 1):
        valid = padded[n - 1:n - 1 + size] > 0
        if n == 1:
            key = padded[:size].copy()
        else:
            valid &= (ids[n - 1] >= 0) & (np.concatenate([ids[n - 1][1:], [-1]]) >= 0)
            key = ids[n - 1] * 65536 + padded[n - 1:n - 1 + size]
        places = np.flatnonzero(valid)
        unique, first, inverse, count = np.unique(key[places], return_index=True, return_inverse=True, return_counts=True)
        keep = count >= least
        number = np.where(keep, np.cumsum(keep) - 1, -1)
        ids[n] = np.full(size, -1, np.int64)
        ids[n][places] = number[inverse]
        counts[n], at[n] = count[keep], places[first[keep]]
        if n == 1:
            continue
        groups = ids[n][places]
        used = groups >= 0
        left = entropy(groups[used], padded[places[used] - 1], len(counts[n]))
        right = entropy(groups[used], padded[places[used] + n], len(counts[n]))
        total = np.count_nonzero(codes)
        cohesion = np.full(len(counts[n]), np.inf)
        for k in range(1, n):
            a, b = counts[k][ids[k][at[n]]], counts[n - k][ids[n - k][at[n] + k]]
            cohesion = np.minimum(cohesion, np.log(counts[n] * float(total) / (a * b.astype(float))))
        for i in range(len(counts[n])):
            text = "".join(map(chr, codes[at[n][i]:at[n][i] + n]))
            yield text, int(counts[n][i]), float(cohesion[i]), float(min(left[i], right[i]))


def general(folder):
    """How often news holds each run of 2 to 8 characters, a million."""
    count, total = collections.Counter(), 0
    for run in re.findall(r"[\u4e00-\u9fff]+", (folder / "news.txt").read_text("utf-8")):
        total += len(run)
        for n in range(2, LONGEST + 1):
            count.update(run[i:i + n] for i in range(len(run) - n + 1))
    return {t: 1e6 * c / total for t, c in count.items() if c > 2}


def charges(folder):
    """What LawBench 3-3 gives as charges, and what statutes call a crime by its name."""
    count = collections.Counter()
    with tarfile.open(folder / "lawbench.tar.xz") as tar:
        for member in tar:
            if member.name.endswith("/3-3.json"):
                for record in json.load(tar.extractfile(member)):
                    for charge in re.split(r"[;；]", record["answer"].split(":", 1)[-1].split("：", 1)[-1]):
                        charge = re.sub(r"[^\u4e00-\u9fff]", "", charge)
                        if 2 <= len(charge) <= 16:
                            count[charge.removesuffix("罪") + "罪"] += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    paragraphs = list(laws(args.data / "text"))
    codes = runs(paragraphs)
    usual, scale = general(args.texts), 1e6 / np.count_nonzero(codes)
    found = {}
    for text, count, cohesion, freedom in find(codes):
        if cohesion < COHESION or freedom < (FREEDOM if len(text) < 4 else FREEDOM - 0.6) or text[0] in GRAMMAR_FIRST - (set("不有无未") if len(text) > 3 else set()) or text[-1] in GRAMMAR_LAST:
            continue
        # Passages of a kind, and words that stand in every law.
        if re.search(r"规定|办理|进行|作出|提出|应当|情况|之一|本法|本条|前款|人民共和国$|施行", text) and len(text) > 2 or count < 200 and count * scale < (1 if len(text) == 2 else 0.3) * usual.get(text, 0):
            continue
        found[text] = count
    # What occurs nearly always inside of a longer term is no term of its own.
    for text in sorted(found, key=len, reverse=True):
        for n in range(2, len(text)):
            for i in range(len(text) - n + 1):
                part = text[i:i + n]
                if part in found and found[text] > 0.9 * found[part]:
                    del found[part]
    # Nor is what two terms make side by side.
    for text in [t for t in found if len(t) > 4 and any(t[:k] in found and t[k:] in found for k in range(2, len(t) - 1))]:
        del found[text]
    everything = "\n".join(paragraphs)
    for name in titles(args.data / "text"):
        if everything.count(name) >= 5:
            found[name] = everything.count(name)
    rows = sorted(found.items(), key=lambda r: (-r[1], r[0]))
    (args.out / "terms.txt").write_text("".join(f"{t}\t{c}\n" for t, c in rows), "utf-8")

    causes = charges(args.data / "text")
    cases = (args.texts / "cases.txt").read_text("utf-8").splitlines()
    cause = collections.Counter()
    for paragraph in paragraphs + cases:
        cause.update(re.findall(r"(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2,12}纠纷(?=[^\u4e00-\u9fff]|案|一案)", paragraph))
        causes.update(re.findall(r"(?:犯|构成|涉嫌)([\u4e00-\u9fff]{2,12}罪)(?=[^\u4e00-\u9fff]|被|，)", paragraph))
    for text, count, _, freedom in find(runs(paragraphs + cases), 5):
        if text.endswith("纠纷") and len(text) > 3 and freedom > 0.9:
            cause[text] += count
    bad = re.compile(r"[款的了在与因为对该本其某]|原告|被告|上诉|发生|双方|审理|解决|处理|涉及|之间|有关|其他|各类|引发|产生|民事|经济纠纷$|^.纠纷$|一案|上述|数罪|罪名|犯|涉嫌|构成|任何|相关|裁定|判决|调解|化解|调处|下列|第.条|提起|因|^.?案|等|^[省市县区院]|受理|^法|规定|案件|适用|是否|可以|一|民间纠纷|^类|^间|及|没有|认|属于|审查|仲裁|嫌疑|简称|关于|^有|^权|引起|结合|矛盾|或者|^著作|^协助|偷税|所得收益")
    chosen = {c: n for c, n in (causes + cause).items() if n >= 2 and not bad.search(c.removesuffix("罪"))}
    rows = sorted(chosen.items(), key=lambda r: (-r[1], r[0]))
    (args.out / "causes.txt").write_text("".join(f"{t}\t{c}\n" for t, c in rows), "utf-8")
    print(len(found), "terms,", len(chosen), "causes of action and charges, from", np.count_nonzero(codes), "characters")


if __name__ == "__main__":
    main()
