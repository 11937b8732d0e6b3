"""Makes the folders that speech recognition is measured on: audio NAME.wav (.opus, .flac) with its words in NAME.txt.

python3 models/training/speech/evalset.py --data DATA --out DIR [--count 120] [--seed 1]

DATA is the folder of data (speech/*.tar, text/*.tar.xz). Written:

  DIR/dev-aishell-s0252, DIR/dev-aishell3   real speech, unpacked; no training may see it
  DIR/dev-aishell-s0252/hotwords.words      names and rare terms of these sentences, one a line
  DIR/eval-statutes    sentences of statutes, read by espeak-ng voices, both kept out of training
  DIR/eval-names       sentences of hearings with invented names, read by the same voices, and hotwords.words: those names
  DIR/distractors.words   1,000 invented names and legal terms that none of these sentences contains

is_evaluation and is_evaluation_voice say what training leaves out. A run gives the same words every time, and the same sound
with the same espeak-ng (Debian 12: 1.51). Needs espeak-ng.
"""
import argparse
import hashlib
import os
import pathlib
import random
import re
import subprocess
import tarfile

HAN = re.compile("[\u4e00-\u9fff]+")
PIECE = re.compile("[。；！？\n]")
ARTICLE = re.compile("^第[一二三四五六七八九十百千零]+条(之[一二三四五六七八九十]+)?")
VOICE = "cmn-latn-pinyin+"  # "cmn" of espeak-ng 1.51 reads most characters as English words spelt like their pinyin
EFFECTS = {"Demonic", "announcer", "croak", "whisper", "whisperf", "Mr"}  # no voice that anybody has; "Mr" is half a file name


def key(piece):
    """What of a piece of text is read aloud: its Han characters, without the number of an article at its head."""
    return ARTICLE.sub("", "".join(HAN.findall(piece)))


def is_evaluation(piece):
    """Whether a piece of text is kept out of training: 1/80 of all, by the hash of its Han characters."""
    digest = hashlib.sha256(key(piece).encode()).digest()
    return digest[0] % 5 == 0 and digest[1] % 16 == 0


def is_evaluation_voice(name):
    """Whether an espeak-ng variant (the NAME of cmn-latn-pinyin+NAME) is kept out of training: a fifth of all."""
    return hashlib.sha256(name.encode()).digest()[0] % 5 == 0


def pieces(text):
    """The sentences of a text, as is_evaluation takes them."""
    return (p.strip() for p in PIECE.split(text))


def voices():
    out = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    names = {line.split()[4].removeprefix("!v/") for line in out.splitlines()[1:]}
    return sorted(n for n in names if is_evaluation_voice(n) and n not in EFFECTS)


def read_aloud(rng, text, path, voice):
    subprocess.run(["espeak-ng", "-v", VOICE + voice, "-s", str(rng.randint(130, 185)), "-p", str(rng.randint(35, 65)),
                    "-w", str(path), text], check=True)


def write(folder, sentences, seed):
    """Has `sentences` (pairs of what is read and what is expected) read by the voices in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    turn = voices()
    for i, (said, expected) in enumerate(sentences):
        rng = random.Random(f"{seed}-{i}")
        name = f"{i:03d}-{turn[i % len(turn)]}"
        read_aloud(rng, said, folder / (name + ".wav"), turn[i % len(turn)])
        (folder / (name + ".txt")).write_text(expected + "\n", encoding="utf-8")


def statutes(data, count, seed):
    """Sentences of the main statutes of 8 to 40 characters, without digits, whose every clause is Han."""
    found = {}
    for archive in ("just-laws.tar.xz", "laws.tar.xz"):
        with tarfile.open(data / "text" / archive) as tar:
            for member in tar:
                if member.name.endswith(".md") and "README" not in member.name and "DLC" not in member.name:
                    for p in pieces(tar.extractfile(member).read().decode("utf-8", "ignore")):
                        spoken = ARTICLE.sub("", re.sub(r"[*#>\s]", "", p))
                        if 8 <= len(key(p)) <= 40 and re.fullmatch("[\u4e00-\u9fff，、：“”《》]+", spoken) and is_evaluation(p):
                            found[key(p)] = spoken
    keys = sorted(found, key=lambda k: hashlib.sha256(f"{seed}{k}".encode()).digest())[:count]
    return [(found[k], k) for k in keys]


SURNAMES = list("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范") + ["欧阳", "上官", "诸葛"]
GIVEN = list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰建国文志海燕春梅晓东雪峰鑫瑞欣怡子轩浩宇梓涵思远嘉琪振兴庆丰泽楠俊彦懿璇煜琛")
PLACES = list("安定武宁清永新长泰和兴福德平江海山河石龙云南阳城陵昌康源")
TRADES = ["建筑", "商贸", "电子", "物流", "置业", "投资", "餐饮", "医药", "机械", "纺织", "装饰", "广告", "运输", "食品", "环保", "能源"]
BRANDS = list("恒鼎盛隆润泰启航瑞丰博远宏达天诚金鹏联创中科汇通嘉德腾飞")
SPOKEN = [
    "原告{p}诉称被告长期拖欠货款", "请证人{p}到庭作证", "被告{p}对该证据的真实性不予认可", "本院依法追加{p}为第三人",
    "{p}在合同上签了字", "鉴定人{p}出具了鉴定意见", "原告与{c}签订了买卖合同", "{c}未按照约定支付工程款",
    "被告系{c}的法定代表人", "涉案房屋位于{l}", "双方在{l}协商解除合同", "请{l}人民法院协助调查",
]


def invented(rng, kind):
    pick = rng.choice
    if kind == "p":
        return pick(SURNAMES) + pick(GIVEN) + (pick(GIVEN) if rng.random() < .75 else "")
    if kind == "c":
        return pick(BRANDS) + pick(BRANDS) + pick(TRADES) + pick(["公司", "集团", "有限公司"])
    return pick(PLACES) + pick(PLACES) + pick(["县", "市", "区", "镇"])


def names(count, seed):
    """Sentences of a hearing, each around one invented name, and the names."""
    rng, seen, sentences = random.Random(f"names-{seed}"), [], []
    while len(sentences) < count:
        pattern = SPOKEN[len(sentences) % len(SPOKEN)]
        name = invented(rng, pattern[pattern.index("{") + 1])
        if name not in seen:
            seen.append(name)
            sentences.append(re.sub(r"\{.\}", name, pattern))
    return [(s, s) for s in sentences], seen


def distractors(data, count, seed, spoken):
    """Half invented names, half legal terms; none of them is part of what is spoken."""
    rng, out = random.Random(f"distractors-{seed}"), []
    terms = [line.split()[0] for line in (data / "text" / "legal-terms.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    terms = [t for t in terms if HAN.fullmatch(t) and 2 <= len(t) <= 6]
    while len(out) < count:
        word = rng.choice(terms) if len(out) % 2 else invented(rng, rng.choice("pcl"))
        if word not in out and not any(word in s for s in spoken):
            out.append(word)
    return out


S0252_WORDS = """海宁皮革城 大成市场 北湖公园 新贵妃醉酒 灵山神箭 灵书妙探 首套房贷款 签约套数 开盘 公募基金 公募牌照 嗣后申请 现场检查
修订草案 风险准备金 四D打印 适应性 大容量电池 传感器 耗电量 可穿戴设备 智能手环 项链 光韵达 控股子公司 三维科技 三D打印 孵化期 乒乓球
马龙 奥恰洛夫 半决赛 蔡康永 康熙来了 许老三 三里屯 三炷清香 阴阳相隔 晚高峰 网约车 维修金 华威桥 东三环 轿车自燃 楼盘 二手房市场
持股计划 行政审批 年报""".split()


def unpack(data, out, name):
    folder = out / name
    if not folder.exists() or not any(p.is_file() for p in folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(data / "speech" / (name + ".tar")) as tar:
            for member in tar:
                if member.isfile():
                    (folder / os.path.basename(member.name)).write_bytes(tar.extractfile(member).read())
    return [p.read_text(encoding="utf-8").strip() for p in sorted(folder.glob("*.txt"))]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--data", type=pathlib.Path, default=os.environ.get("COURTSENSE_DATA"), required="COURTSENSE_DATA" not in os.environ)
    a.add_argument("--out", type=pathlib.Path, required=True)
    a.add_argument("--count", type=int, default=120, help="synthetic sentences of each kind")
    a.add_argument("--seed", type=int, default=1)
    a = a.parse_args()
    real = unpack(a.data, a.out, "dev-aishell-s0252")
    spoken = real + unpack(a.data, a.out, "dev-aishell3")
    words = [w for w in S0252_WORDS if any(w in s for s in real)]
    (a.out / "dev-aishell-s0252" / "hotwords.words").write_text("\n".join(words) + "\n", encoding="utf-8")
    read = statutes(a.data, a.count, a.seed)
    write(a.out / "eval-statutes", read, a.seed)
    named, people = names(100, a.seed)
    write(a.out / "eval-names", named, a.seed)
    (a.out / "eval-names" / "hotwords.words").write_text("\n".join(people) + "\n", encoding="utf-8")
    spoken += [s for _, s in read + named]
    (a.out / "distractors.words").write_text("\n".join(distractors(a.data, 1000, a.seed, spoken)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
