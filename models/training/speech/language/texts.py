"""Writes the texts that the speech language models are trained and measured on, a paragraph a line.

    python3 models/training/speech/language/texts.py --data DATA --out WORK/text

DATA holds text/ and speech/ (see models/training/README.md). Of each kind of text there are KIND.train.txt and KIND.held.txt, and
KIND.txt with both; a held-out tenth is chosen by the hash of the title (statutes: all versions of a law together), of the first words (cases) or of the
sentence (transcripts). Transcripts come from the folders of training speech only, never from those whose names begin with "dev-".
Sentences that recognition is measured on (evalset.is_evaluation, 1/80 of all) are left out of both parts; --all keeps them.
Nothing is normalised here: `courtsense lm train` does that, as it does with a user's texts.
"""
import argparse
import hashlib
import json
import pathlib
import re
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from evalset import is_evaluation  # noqa: E402

CONVERSATION = {"2-4", "3-8"}
"""LawBench tasks that hold questions as people ask them, in spoken words."""
NEWS = {"2-7"}
LABELLED = {"2-6"}
"""The task whose entities are labelled: proposals of hot words are measured on it, so it is left out."""
SPOILT = {"2-1"}
"""Its questions hold mistakes made on purpose; only the answers are language."""
ANSWERS = {"1-1", "2-1", "2-7", "3-2", "3-8"}
"""Tasks whose answers are running text."""


def held(key):
    """Whether a text with this key belongs to the held-out tenth."""
    return hashlib.sha256(key.encode()).digest()[0] < 26


def markdown(archive):
    """Yields (stem, text) of the archive's law files."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = pathlib.PurePath(member.name)
            if name.suffix == ".md" and not re.search(r"README|LICENSE|模版|_index", name.stem):
                yield name.stem, tar.extractfile(member).read().decode("utf-8", "ignore")


def title(stem, text):
    """The law's name without its year and its country's name, so that all versions of a law have one key."""
    first = next((line for line in text.splitlines() if line.startswith("# ")), "# " + stem)[2:]
    return re.sub(r"[\s（(《〈].*$|中华人民共和国|[》〉]", "", first.strip()) or stem


def paragraphs(text):
    """Yields the paragraphs of a Markdown text, bare."""
    text = re.sub(r"<!--.*?-->|^---$.*?^---$|!?\[[^\]]*\]\([^)]*\)|<[^<>\n]{1,60}>", "", text, flags=re.S | re.M)
    for line in text.splitlines():
        line = re.sub(r"\s+", " ", line.strip().lstrip("#>*-| ").replace("**", "")).strip()
        if len(line) >= 2:
            yield line


def statutes(folder):
    for archive in ("laws.tar.xz", "just-laws.tar.xz"):
        for stem, text in markdown(folder / archive):
            key = title(stem, text)
            for paragraph in paragraphs(text):
                yield "statutes", key, paragraph


def lawbench(folder):
    with tarfile.open(folder / "lawbench.tar.xz") as tar:
        for member in tar:
            task = pathlib.PurePath(member.name).stem
            if not member.name.endswith(".json") or task in LABELLED:
                continue
            kind = "conversation" if task in CONVERSATION else "news" if task in NEWS else "cases"
            for record in json.load(tar.extractfile(member)):
                question = re.sub(r"^(事实|句子|文书|段落|场景|咨询)[:：]", "", record["question"].strip())
                key = question[:40]
                parts = [] if task in SPOILT else [question]
                if task in ANSWERS:
                    parts.append(re.sub(r"^(答案|回答)[:：]", "", record["answer"].strip()))
                for part in parts:
                    # What a choice is labelled by is no language.
                    part = re.sub(r"(?<![A-Za-z])[A-E][:：.、]", "\n", part)
                    for paragraph in paragraphs(part):
                        if len(paragraph) >= 4:
                            yield kind, key, paragraph


def transcripts(folder):
    for archive in sorted(folder.glob("*.tar")):
        if archive.name.startswith("dev-"):
            continue
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name.endswith(".txt"):
                    text = tar.extractfile(member).read().decode("utf-8", "ignore").strip()
                    # The toned syllables' names are pinyin, and the English is not this model's.
                    if re.search(r"[\u4e00-\u9fff]", text):
                        yield "transcripts", text, text


def terms(folder):
    """Yields the list of terms, the frequent ones again and again: they are the words of news and business, too."""
    for row in (folder / "legal-terms.txt").read_text("utf-8").splitlines():
        term, _, count = row.strip().partition("\t")
        for _ in range(len(count.strip())):
            yield "terms", term, term


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="keep the sentences that recognition is measured on")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    seen, files, counts = set(), {}, {}
    for source in (statutes(args.data / "text"), lawbench(args.data / "text"), transcripts(args.data / "speech"), terms(args.data / "text")):
        for kind, key, paragraph in source:
            # The newer and the older version of a law share most paragraphs, and so do the tasks: each counts once.
            if paragraph in seen and kind not in ("transcripts", "terms"):
                continue
            seen.add(paragraph)
            if not args.all:
                paragraph = "".join("\n" if is_evaluation(p) else p for p in re.split(r"(?<=[。；！？])", paragraph)).strip()
            for name in (f"{kind}.txt", f"{kind}.{'held' if held(key) else 'train'}.txt"):
                if name not in files:
                    files[name] = open(args.out / name, "w", encoding="utf-8")
                files[name].write(paragraph + "\n")
                counts[name] = counts.get(name, 0) + len(paragraph)
    for name, f in sorted(files.items()):
        f.close()
        print(f"{counts[name]:>10} characters  {name}")


if __name__ == "__main__":
    main()
