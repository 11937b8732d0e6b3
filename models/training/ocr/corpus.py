"""Text to draw: statutes, case facts and judgments from the data folder, and made-up numbers, names, addresses and English.

A text belongs to the held-out tenth by the hash of its title (statutes: all versions together) or of its first words (cases), so
nothing that is measured on was drawn in training. The folder is `--data DIR` of the recipes, else the environment's COURTSENSE_DATA.
"""
import functools
import hashlib
import json
import os
import pathlib
import re
import tarfile

import numpy as np

from fonts import CHARSET, UNIFIED

_KNOWN = frozenset(CHARSET)
_UNIFY = str.maketrans({**UNIFIED, **{c: " " for c in "\u00a0\u2002\u2003\u2009\u3000\t"}, "\u200b": "", "\u200e": "", "\ufeff": "", "\ufe0f": ""})
_folder = None


def use(folder):
    """Names the folder of data for this process."""
    global _folder
    _folder = pathlib.Path(folder)


def _text_folder():
    folder = _folder or pathlib.Path(os.environ.get("COURTSENSE_DATA") or ".")
    if not (folder / "text" / "laws.tar.xz").exists():
        raise SystemExit(f"{folder}/text/laws.tar.xz is not there: name the folder of data by --data or COURTSENSE_DATA")
    return folder / "text"


def normalise(text):
    """`text` in the recogniser's characters: forms that look alike are unified, unknown characters left out."""
    return "".join(c for c in text.translate(_UNIFY) if c in _KNOWN)


def held(key):
    """Whether a text with this title belongs to the held-out tenth."""
    return hashlib.sha256(key.encode()).digest()[0] < 26


def _markdown(archive):
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".md") and "README" not in member.name and "LICENSE" not in member.name:
                yield pathlib.PurePath(member.name).stem, tar.extractfile(member).read().decode("utf-8", "ignore")


def _title(stem, text):
    first = next((line for line in text.splitlines() if line.startswith("# ")), "# " + stem)[2:]
    return re.sub(r"[\s（(《〈].*$|中华人民共和国|[》〉]", "", first.strip()) or stem


def _paragraphs(text):
    text = re.sub(r"<!--.*?-->|^---$.*?^---$|!?\[[^\]]*\]\([^)]*\)|<[^<>\n]{1,60}>", "", text, flags=re.S | re.M)
    for line in text.splitlines():
        line = normalise(line.strip().lstrip("#>*-| ").replace("**", "").strip())
        if len(line) >= 2:
            yield line


@functools.lru_cache(maxsize=None)
def split(name):
    """-> {"statutes": [paragraph, ...], "cases": [paragraph, ...]} of "train" or "held"."""
    if name not in ("train", "held"):
        raise ValueError(f"split {name!r}: want train or held")
    folder, wanted = _text_folder(), name == "held"
    statutes, cases, seen = [], [], set()
    for archive in ("laws.tar.xz", "just-laws.tar.xz"):
        for stem, text in _markdown(folder / archive):
            if held(_title(stem, text)) == wanted:
                statutes += [p for p in _paragraphs(text) if not (p in seen or seen.add(p))]
    with tarfile.open(folder / "lawbench.tar.xz") as tar:
        for member in tar:
            if not member.name.endswith(".json"):
                continue
            for record in json.load(tar.extractfile(member)):
                question = re.sub(r"^(事实|句子|文书|段落|场景)[:：]", "", record["question"].strip())
                if held(question[:40]) != wanted:
                    continue
                for part in (question, record["answer"]):
                    cases += [p for p in _paragraphs(part) if len(p) >= 8 and not (p in seen or seen.add(p))]
    return {"statutes": statutes, "cases": cases}


@functools.lru_cache(maxsize=None)
def terms():
    """Legal terms, the frequent first."""
    rows = (_text_folder() / "legal-terms.txt").read_text(encoding="utf-8").splitlines()
    return [t for t in (normalise(r.split("\t")[0].strip()) for r in rows) if t]


SURNAMES = ("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江"
            "尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成"
            "苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙")
COMPOUND = ["欧阳", "上官", "司马", "诸葛", "司徒", "夏侯", "慕容", "尉迟", "皇甫", "令狐", "阿依", "买买提"]
GIVEN = ("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红梅建国文志海春秀云龙飞鹏辉斌波宇浩凯健俊帆雪琳晶莹倩楠璐瑶婷雅慧欣怡梓涵子轩晨阳博嘉诚思远昊天然一诺奕泽雨桐佳瑞"
         "淑贞惠珍凤莲翠萍兴旺福祥贵荣财德才义仁礼智信忠孝永长庆发宏振东南西北中安康宁和顺利金银铜木水火土石山川江河湖林森松柏竹菊")
PLACES = ("北京市 上海市 天津市 重庆市 河北省石家庄市 山西省太原市 辽宁省沈阳市 吉林省长春市 黑龙江省哈尔滨市 江苏省南京市 浙江省杭州市 安徽省合肥市 福建省厦门市 江西省南昌市 "
          "山东省济南市 河南省郑州市 湖北省武汉市 湖南省长沙市 广东省广州市 广东省深圳市 海南省海口市 四川省成都市 贵州省贵阳市 云南省昆明市 陕西省西安市 甘肃省兰州市 青海省西宁市 "
          "内蒙古自治区呼和浩特市 广西壮族自治区南宁市 西藏自治区拉萨市 宁夏回族自治区银川市 新疆维吾尔自治区乌鲁木齐市").split()
PROVINCES = "京津沪渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤琼川贵云陕甘青蒙桂藏宁新"
CASE_KINDS = "民初 民终 民再 刑初 刑终 行初 行终 执 执保 执异 执恢 民申 破申 知民初 商初 民特 财保 刑更 行审 赔委 民辖终".split()
WORDS = ("the of and to in for is on that by this with from or are be as an at it not has have was will may any all other under law court case judge "
         "contract party agreement evidence service payment account company limited bank order number date name address telephone email invoice "
         "plaintiff defendant appellant witness liability damages interest property rights notice shall between within days after before upon "
         "information technology network platform software data user system internet online application version copyright trademark patent Inc. "
         "Ltd. Co., Group International Trade China Beijing Shanghai Shenzhen Hong Kong New York London Article Section Chapter Page Total "
         "Amount Price Quantity Unit Signature Seal Passport Visa Republic People's Supreme Intermediate District Arbitration Commission "
         "quick brown fox jumps over lazy dog zero jazz vex quiz wax fjord glyph hymn kayak oxygen puzzle rhythm sphinx vodka zenith").split()
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + "ilIftjrvwxsczoVWXSCZO"
SYLLABLES = ("a be ci do er fi gu ha il jo ka li me no op ple qui ro st ti un ve wa xi yo ze all ill ell ing ight tion ter ment ist fil lit tle wil vow saw six fox cow zoo "
             "mis sis cos vic x s v w l i t f tt ff ll ii fi fl rn m cl d vv w on in an en th ch sh").split()
BRANDS = "VIVO OPPO iPhone HUAWEI Mate60 Pro Max Plus XIAOMI Redmi SAMSUNG Lenovo ThinkPad DELL BMW Audi A6L QQ WeChat APP GPS USB PDF WiFi KTV SUV ATM POS DNA IP ID VIP LED CEO".split()
HOSTS = "qq.com 163.com 126.com sina.com sohu.com gmail.com outlook.com court.gov.cn example.com example.org mail.example.cn".split()
# Characters that are taken for one another in small or worn print.
ALIKE = ("千干于 几儿九丸凡 米来末未 口□日曰目 人入八 大太犬 土士 己已巳 贝见 由甲申田电 天夫无元 刀力 厂广 拉控拦 笔第筑 圆圈园国因困围团图 妆按 摘搞 患惠 菌苗 兽善 撒撤 宜宣 象像橡 "
         "洒酒 班斑 般殷 今令 侯候 戊戌戍 祝视 毫亳 析折拆 汤沥场扬 健键 攻政玫 阴限陆 焚楚 芹芥并 余佘 祖袓 安妥 隋随 拍铂 染梁 暄喧 遂逐 遗道 数教 即郎 钓钩 纪记 弟第 竞竟 免兔 乌鸟 "
         "压庄 栋拣 治冶 没设 活话 清请情惰 抱拘 哀衷衰 辩辨 赢羸 冒昌 壁璧 幕慕墓暮 崇祟 晴睛 准淮 凉谅 刺剌 茶荼 灸炙 狠狼 偏遍编 副幅福 堆推 腊蜡 待侍持特 往住佳 徒徙 洲州 拔拨 "
         "栽裁载 坚竖 历厉 叮盯钉 处外 失矢夫 斤斥 兵乒乓丘 旦且 白自臼 上止 王玉主 木术本 风凤 问间同闻闸闹闷 体休 伸仲 官宫 亨享 师帅 微徽 薄簿 籍藉 诀决块快 低抵底 傅传 买卖实 各名 "
         "灰友 义叉又 勺匀 扫拦 代伐 仓仑 尤龙 车东 手毛 反友 牛午生 贷货 受爱 挠绕饶浇 瑞端喘 模膜 镇填 镜境竟镆 铜钢 渡度 一—- O0o 0O l1I i1l xX sS vV wW cC zZ 5S 8B 2Z "
         "，,。、 。，. ：；: ；：， %％ （( ）) 〔（ 《〈 》〉 ·• “” ‘’' -—一 ×xX √✓ ☑□口 ○O0 →- ～- 〇零").split()
_ALIKE = {c: group for group in reversed(ALIKE) for c in group if c in CHARSET}
_STOPS = "，。、；：,.;:！？!?"
DIGITS = "0123456789"
HAN_DIGITS = "〇一二三四五六七八九"
CAPITALS = "零壹贰叁肆伍陆柒捌玖"


class Sampler:
    """Draws text of one split from a numpy Generator; the same generator state gives the same text."""

    def __init__(self, rng, name):
        self.rng, self.texts = rng, split(name)

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def digits(self, n, alphabet=DIGITS):
        return "".join(alphabet[i] for i in self.rng.integers(len(alphabet), size=n))

    def _source(self):
        return self.texts["cases" if self.rng.random() < 0.55 else "statutes"]

    def paragraph(self, kind=None):
        """A whole paragraph of "statutes" or "cases" (None: either)."""
        return self.pick(self.texts[kind] if kind else self._source())

    def line(self, n):
        """`n` characters of running text, from anywhere in a paragraph."""
        source = self._source()
        text = self.pick(source)
        if len(text) > n:
            start = self.rng.integers(0, len(text) - n + 1)
            return text[start:start + n]
        while len(text) < n:
            text += self.pick(source)
        return text[:n]

    def term(self):
        return terms()[int(len(terms()) * self.rng.random() ** 2)]

    def name(self):
        """A person: surname, given name of one or two characters, now and then a rare one or anonymised."""
        surname = self.pick(COMPOUND) if self.rng.random() < 0.04 else self.pick(SURNAMES)
        given = self.pick(GIVEN) + (self.pick(GIVEN) if self.rng.random() < 0.75 else "")
        if self.rng.random() < 0.3:
            given = given[:-1] + self.pick(CHARSET[200:-1])
        if self.rng.random() < 0.1:
            given = self.pick("某甲 某乙 某某 某 XX ×× 某1 某2 x4".split())
        return surname + given

    def year(self):
        return int(self.rng.integers(1980, 2027))

    def date(self):
        y, m, d = self.year(), int(self.rng.integers(1, 13)), int(self.rng.integers(1, 29))
        kind = self.rng.integers(7)
        if kind < 3:
            return f"{y}年{m}月{d}日" + self.pick(["", "", f"{self.rng.integers(24)}时许", f"{self.rng.integers(24)}时{self.rng.integers(60)}分"])
        if kind == 3:
            return f"{y}-{m:02d}-{d:02d}" + self.pick(["", f" {self.rng.integers(24):02d}:{self.rng.integers(60):02d}:{self.rng.integers(60):02d}"])
        if kind == 4:
            return self.pick([f"{y}.{m}.{d}", f"{y}/{m:02d}/{d:02d}", f"{y}年{m}月", f"{self.rng.integers(24)}:{self.rng.integers(60):02d}"])

        def han(v):
            return HAN_DIGITS[v] if v < 10 else ("" if v < 20 else HAN_DIGITS[v // 10]) + "十" + ("" if v % 10 == 0 else HAN_DIGITS[v % 10])
        return "".join(HAN_DIGITS[int(c)] for c in str(y)) + f"年{han(m)}月{han(d)}日"

    def amount(self):
        v = float(10 ** self.rng.uniform(0, 8))
        kind = self.rng.integers(6)
        if kind == 0:
            return f"{v:,.2f}" + self.pick(["", "元", "美元"])
        if kind == 1:
            return self.pick("￥¥$") + f"{v:,.2f}"
        if kind == 2:
            return f"{int(v)}" + self.pick(["元", "万元", "元整", "元/月", "股", "吨", "㎡", "平方米", "%", "％", "‰", "℃", "公里", "kg", "mm", "克"])
        if kind == 3:
            units = ["元", "拾", "佰", "仟", "万"]
            text = "".join(self.pick(CAPITALS[1:]) + u for u in reversed(units[:self.rng.integers(1, 6)]))
            return "人民币" * int(self.rng.random() < 0.4) + text + self.pick(["整", "", "叁角贰分", "伍角整"])
        if kind == 4:
            return f"{self.rng.uniform(0, 100):.{self.rng.integers(0, 3)}f}" + self.pick(["%", "％", "万元", "元", "亿元", "倍"])
        return self.pick(["共计", "合计", "人民币", "本金", "利息", ""]) + f"{v:.2f}元"

    def case_number(self):
        left, right = self.pick(["（）", "()", "（）", "〔〕"])
        return (f"{left}{self.rng.integers(2000, 2027)}{right}{self.pick(PROVINCES)}" + (self.digits(self.rng.integers(2, 5)) if self.rng.random() < 0.9 else "")
                + self.pick(CASE_KINDS) + ("字第" if self.rng.random() < 0.1 else "") + self.digits(self.rng.integers(1, 6)) + "号" + self.pick(["", "", "", "之一"]))

    def id_number(self):
        year, month, day = self.rng.integers(1940, 2020), self.rng.integers(1, 13), self.rng.integers(1, 29)
        return self.digits(6, "123456789") + f"{year}{month:02d}{day:02d}" + self.digits(3) + self.pick("0123456789X")

    def phone(self):
        return self.pick([f"1{self.digits(10)}", f"0{self.digits(2)}-{self.digits(8)}", f"1{self.digits(2)} {self.digits(4)} {self.digits(4)}",
                          f"1{self.digits(2)}****{self.digits(4)}", f"400-{self.digits(3)}-{self.digits(4)}", f"+86 1{self.digits(10)}"])

    def bank_card(self):
        text = "62" + self.digits(self.rng.choice([14, 17]))
        return text if self.rng.random() < 0.6 else " ".join(text[i:i + 4] for i in range(0, len(text), 4))

    def plate(self):
        return self.pick(PROVINCES) + self.digits(1, "ABCDEFGHJK") + self.pick(["", "·"]) + self.digits(5, "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ")

    def credit_code(self):
        return "91" + self.digits(6) + self.digits(10, "0123456789ABCDEFGHJKLMNPQRTUWXY")

    def email(self):
        return self.pick(WORDS).strip(".,'").lower() + self.pick(["", "_", "."]) + self.digits(self.rng.integers(0, 5)) + "@" + self.pick(HOSTS)

    def url(self):
        return self.pick(["https://", "http://", "www.", ""]) + self.pick(HOSTS) + "/" + self.pick(WORDS).strip(".,'") + self.pick(["", ".html", "?id=" + self.digits(4), "/" + self.digits(6)])

    def english(self, n):
        """About `n` characters of English words, with capitals and punctuation."""
        words, length = [], 0
        style = self.rng.integers(4)
        while length < n:
            word = self.pick(WORDS) if self.rng.random() < 0.9 else self.digits(self.rng.integers(3, 9), "abcdefghijklmnopqrstuvwxyz")
            if style == 0:
                word = word.upper()
            elif style == 1 or not words:
                word = word[:1].upper() + word[1:]
            word += self.pick(",.;:?!)") if self.rng.random() < 0.08 else ""
            words.append(word)
            length += len(word) + 1
        return " ".join(words)

    def latin(self, n):
        """About `n` characters of words from the list, made-up ones and mere letters: what is read must not hang on the list."""
        words, length = [], 0
        case = self.rng.integers(5)
        while length < n:
            kind = self.rng.random()
            if kind < 0.4:
                word = self.pick(WORDS)
            elif kind < 0.92:
                word = "".join(self.pick(SYLLABLES) for _ in range(int(self.rng.integers(1, 4))))
            else:
                word = self.digits(self.rng.integers(1, 8), LETTERS)
            if case < 2:
                word = (str.upper, str.lower)[case](word)
            elif case == 2 or self.rng.random() < 0.2:
                word = word[:1].upper() + word[1:]
            if self.rng.random() < 0.12:
                word += self.pick(",.;:?!)'")
            if self.rng.random() < 0.06:
                word = self.pick(["(", "'", '"', "#", "&", "No.", "-", "/"]) + word
            if self.rng.random() < 0.06:
                word = self.digits(self.rng.integers(1, 7)) + self.pick(["", "", "-", ".", ",", "th"]) + word * int(self.rng.random() < 0.4)
            words.append(word)
            length += len(word) + 1
        return " ".join(words)

    def alike(self, text):
        """`text` with some characters changed for ones that look like them, and some such put in."""
        return "".join(self.pick(_ALIKE[c]) if c in _ALIKE and self.rng.random() < 0.5 else self.pick(self.pick(ALIKE)) if self.rng.random() < 0.12 else c
                       for c in text)

    def stops(self, text):
        """`text` with its punctuation changed for other punctuation."""
        return "".join(self.pick(_STOPS) if c in _STOPS and self.rng.random() < 0.7 else c for c in text)

    def boxes(self):
        """Choices of a form, ticked or not."""
        text = self.pick([self.term()[:8], self.line(4), ""])
        text += self.pick(["：", "：", ":", " ", ""]) if text else ""
        names = self.pick(["是 否", "同意 不同意", "原件 复印件", "原件 复印件 电子件", "有 无", "男 女", "已婚 未婚", "本人 代理人", "口头 书面"]).split()
        gap = self.pick(["", " ", "  "])
        return text + gap.join(self.pick("□□☑☑☒■✓√") + name for name in names)

    def range(self):
        """Numbers with dashes, as page numbers and evidence lists have them."""
        n = int(self.rng.integers(1, 300))
        m = n + int(self.rng.integers(0, 20))
        return self.pick([f"{n}-{m}", f"{n}—{m}", f"{n}～{m}", f"- {n} -", f"-{n}-", f"—{n}—", f"— {n} —", f"第{n}页", f"第 {n} 页 共 {m} 页", f"{n} / {m}", f"P{n}-{m}",
                          f"第{n}-{m}页", f"证据{n}-{m}", f"{n}、{m}", f"{n}.{m}.", f"{n}×{m}", f"{n}:{m}", f"{n},{m}", f"{n}%-{m}%", f"{n}‰", f"{n}％", f"（{n}）", f"{n}一{m}"[:-1]])

    def spaced(self):
        """Titles and labels whose characters stand apart."""
        text = self.pick([self.pick(["民事起诉状", "民事判决书", "起诉书", "代理词", "证据目录", "审判长", "审判员", "书记员", "名称", "姓名", "案由", "授权委托书", "人民陪审员", "备注", "编号"]),
                          self.term()[:7], self.line(int(self.rng.integers(2, 7))), self.digits(self.rng.integers(4, 9))])
        text = self.pick([" ", " ", "  "]).join(text.replace(" ", ""))
        return text + self.pick(["", "", "：", " " + self.name(), "：" + self.company()])

    def address(self):
        kind = self.rng.integers(3)
        tail = self.line(2) + self.pick(["路", "街", "大道", "巷", "村", "小区"]) + self.digits(self.rng.integers(1, 4)) + "号"
        if kind:
            tail += self.pick(["", f"{self.rng.integers(1, 30)}栋{self.rng.integers(1, 33)}0{self.rng.integers(1, 9)}室", f"{self.pick('ABC')}座{self.digits(4)}", f"-{self.digits(1)}-{self.digits(3)}"])
        return self.pick(PLACES) + self.pick(["朝阳区", "海淀区", "高新区", "西湖区", "长宁区", "余杭区", "天河区", ""]) + tail

    def company(self):
        return (self.pick(PLACES).replace("省", "")[:3] + self.pick(GIVEN) + self.pick(GIVEN) + self.pick(["科技", "网络科技", "贸易", "文化传媒", "实业", "信息技术", "建筑工程", "电子商务"])
                + self.pick(["有限公司", "股份有限公司", "集团有限公司", "有限责任公司"]))

    def court(self):
        return self.pick(PLACES) + self.pick(["人民法院", "中级人民法院", "高级人民法院", "互联网法院", "知识产权法院", "第一中级人民法院", "区人民法院", "铁路运输法院"])

    def item(self):
        """A list number."""
        n = int(self.rng.integers(1, 21))
        han = "一二三四五六七八九十"
        return self.pick([chr(0x2460 + n - 1), f"{n}.", f"{n}、", f"（{n}）", f"({n})", f"（{han[n % 10]}）", f"{han[n % 10]}、", f"第{han[n % 10]}条", f"{n}.{self.rng.integers(1, 9)}",
                          chr(0x2474 + n % 10), chr(0x3220 + n % 10), "Ⅰ Ⅱ Ⅲ Ⅳ Ⅴ Ⅵ".split()[n % 6], self.pick("ABCD") + "."])

    def number(self):
        """Any of the kinds that are mostly digits."""
        return self.pick([self.date, self.date, self.amount, self.amount, self.case_number, self.id_number, self.phone, self.bank_card, self.plate, self.credit_code])()

    def figures(self):
        """Figures of a table: thousands parted by commas, decimals by a point, percentages."""
        def one():
            v = float(10 ** self.rng.uniform(3, 8))
            return self.pick(["", "", "", "$", "¥", "￥", "-", "("]) + self.pick([f"{v:,.0f}", f"{v:,.0f}", f"{v:,.2f}", f"{v:.2f}", f"{v:,.1f}", f"{v % 100:.2f}%", f"{v % 100:.1f}％", f"{v % 100:.0f}%"])
        text = self.pick(["", " ", "  "]).join(one() + self.pick(["", "", "", ")", "元"]) for _ in range(int(self.rng.integers(1, 4))))
        return self.pick(["", "", self.term()[:6], self.line(3)]) + text

    def cell(self):
        """A short table cell or form field."""
        kind = self.rng.integers(10)
        if kind < 3:
            return self.term()[:6]
        if kind < 5:
            return self.line(self.rng.integers(1, 5)).strip() or "无"
        if kind < 7:
            return self.digits(self.rng.integers(1, 7))
        if kind == 7:
            return self.pick("是 否 有 无 男 女 汉 / — √ × 份 页 原件 复印件 备注 序号 合计 1 2 3 ☑ □ ☑是 □否 □是☑否 ■ ☒".split())
        return self.name() if kind == 8 else self.amount()

    def random_characters(self, n):
        """Characters of the whole set with equal chance, so that the rare ones are learnt."""
        return "".join(CHARSET[i] for i in self.rng.integers(len(CHARSET) - 1, size=n))
