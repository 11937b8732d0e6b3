"""The fonts that pages and lines are drawn with, and the characters that the recogniser knows.

`TRAIN` fonts draw what the models learn from; `HELD_OUT` fonts draw only what they are measured on. Paths are those of Debian 12's
packages; a font that is not installed is left out of the lists, and `require()` says which package brings it.
"""
import collections
import functools
import pathlib
import struct

import numpy as np

ROOT = pathlib.Path("/usr/share/fonts")

Font = collections.namedtuple("Font", "name path index weight style")
Font.__doc__ = """One face. `weight` is 100 (thin) to 900 (black). `style`: hei, song, kai, fangsong, yuan (Chinese: sans, serif, brush-like, thin
serif, round) or sans, serif, mono (Latin only)."""

_NOTO = {"Thin": 100, "ExtraLight": 200, "Light": 300, "DemiLight": 350, "Regular": 400, "Medium": 500, "SemiBold": 600, "Bold": 700, "Black": 900}
_REGIONS = {"sc": 2, "jp": 0, "tc": 3}


def _noto(region):
    for family, style in (("Sans", "hei"), ("Serif", "song")):
        for name, weight in _NOTO.items():
            path = ROOT / f"opentype/noto/Noto{family}CJK-{name}.ttc"
            if path.exists():
                yield Font(f"noto-{family.lower()}-{region}-{name.lower()}", str(path), _REGIONS[region], weight, style)


_OTHERS = [
    ("wqy-zenhei", "truetype/wqy/wqy-zenhei.ttc", 0, 500, "hei"),
    ("ukai-cn", "truetype/arphic/ukai.ttc", 0, 400, "kai"),
    ("uming-cn", "truetype/arphic/uming.ttc", 0, 300, "song"),
    ("babelstone-han", "truetype/babelstone/BabelStoneHan.ttf", 0, 400, "song"),
    ("cwtex-fangsong", "truetype/cwtex/cwfs.ttf", 0, 400, "fangsong"),
    ("cwtex-kai", "truetype/cwtex/cwkai.ttf", 0, 400, "kai"),
    ("cwtex-ming", "truetype/cwtex/cwming.ttf", 0, 400, "song"),
    ("cwtex-hei", "truetype/cwtex/cwheib.ttf", 0, 700, "hei"),
    ("cwtex-yuan", "truetype/cwtex/cwyen.ttf", 0, 400, "yuan"),
    ("wqy-microhei", "truetype/wqy/wqy-microhei.ttc", 0, 400, "hei"),
    ("gkai00mp", "truetype/arphic-gkai00mp/gkai00mp.ttf", 0, 400, "kai"),
]
# Added when the evaluation pages, whose seals and watermarks are set in the fonts above, had long been drawn: only the recogniser learns from them.
_MORE = [
    ("lxgw-wenkai-light", "truetype/lxgw-wenkai/LXGWWenKai-Light.ttf", 0, 300, "kai"),
    ("lxgw-wenkai-regular", "truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf", 0, 400, "kai"),
    ("lxgw-wenkai-bold", "truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf", 0, 700, "kai"),
    ("gbsn00lp", "truetype/arphic-gbsn00lp/gbsn00lp.ttf", 0, 300, "song"),
    ("cns11643-kai", "truetype/cns11643/TW-Kai-98_1.ttf", 0, 400, "kai"),
    ("cns11643-sung", "truetype/cns11643/TW-Sung-98_1.ttf", 0, 400, "song"),
    ("hanazono", "truetype/hanazono/HanaMinA.ttf", 0, 400, "song"),
    ("klee-semibold", "truetype/klee/KleeOne-SemiBold.ttf", 0, 600, "kai"),
]
_LATIN = [
    (f"{family}{face}".lower(), f"truetype/{folder}/{family}{face}.ttf", 0, 700 if "Bold" in face else 400, style)
    for folder, family, style, faces in (
        ("liberation", "LiberationSerif", "serif", ("-Regular", "-Bold", "-Italic")),
        ("liberation", "LiberationSans", "sans", ("-Regular", "-Bold", "-Italic")),
        ("liberation", "LiberationMono", "mono", ("-Regular", "-Bold")),
        ("liberation", "LiberationSansNarrow", "sans", ("-Regular",)),
        ("dejavu", "DejaVuSans", "sans", ("", "-Bold")),
        ("dejavu", "DejaVuSansCondensed", "sans", ("",)),
        ("dejavu", "DejaVuSerif", "serif", ("", "-Bold")),
        ("dejavu", "DejaVuSansMono", "mono", ("",)),
        ("freefont", "FreeSerif", "serif", ("", "Bold", "Italic")),
        ("freefont", "FreeSans", "sans", ("", "Bold", "Oblique")),
        ("freefont", "FreeMono", "mono", ("", "Bold")),
    )
    for face in faces
]
_PACKAGES = {"noto": "fonts-noto-cjk fonts-noto-cjk-extra", "wqy-zenhei": "fonts-wqy-zenhei", "wqy-microhei": "fonts-wqy-microhei",
             "ukai": "fonts-arphic-ukai", "uming": "fonts-arphic-uming", "gkai00mp": "fonts-arphic-gkai00mp",
             "babelstone": "fonts-babelstone-han", "cwtex": "fonts-cwtex-{fs,kai,ming,heib,yen}", "liberation": "fonts-liberation",
             "dejavu": "fonts-dejavu", "free": "fonts-freefont-ttf"}
_MORE_PACKAGES = {"lxgw": "fonts-lxgw-wenkai", "gbsn00lp": "fonts-arphic-gbsn00lp", "cns11643": "fonts-cns11643-kai fonts-cns11643-sung",
                  "hanazono": "fonts-hanazono", "klee": "fonts-klee"}
_HELD_OUT = ("wqy-microhei", "gkai00mp")


def _installed(rows):
    return [Font(name, str(ROOT / path), index, weight, style) for name, path, index, weight, style in rows if (ROOT / path).exists()]


FONTS = list(_noto("sc")) + _installed(_OTHERS)
"""Chinese fonts with mainland forms, or with traditional character sets (cwtex: draw only what `covers` allows)."""
TRAIN = [f for f in FONTS if f.name not in _HELD_OUT]
HELD_OUT = [f for f in FONTS if f.name in _HELD_OUT]
REGIONAL = [f for region in ("jp", "tc") for f in _noto(region) if f.weight in (300, 400, 700)]
"""The same characters in Japanese and Taiwanese forms: more shapes for the recogniser to learn from."""
MORE = _installed(_MORE)
"""More fonts that the recogniser alone learns from: brush-like ones with mainland forms, and ones with traditional and Japanese forms."""
LATIN = _installed(_LATIN)
"""Fonts for words, numbers and addresses in Latin letters; they have no Chinese characters."""


def require(more=False):
    """Raises with the packages to install when fonts are missing; with `more`, also when those are that only the recogniser learns from."""
    have = " ".join(f.name for f in FONTS + MORE + LATIN)
    wanted = {**_PACKAGES, **_MORE_PACKAGES} if more else _PACKAGES
    missing = [packages for key, packages in wanted.items() if key not in have]
    if missing:
        raise SystemExit("fonts are missing; install " + " ".join(missing))


def _table(data, index, tag):
    start = struct.unpack_from(">I", data, 12 + 4 * index)[0] if data[:4] == b"ttcf" else 0
    for i in range(struct.unpack_from(">H", data, start + 4)[0]):
        name, _, offset, _ = struct.unpack_from(">4sIII", data, start + 12 + 16 * i)
        if name == tag:
            return offset
    raise ValueError(f"no {tag} table")


@functools.lru_cache(maxsize=None)
def _characters(path, index):
    """The characters that a font's cmap (OpenType, formats 4 and 12) gives a glyph."""
    data = pathlib.Path(path).read_bytes()
    cmap = _table(data, index, b"cmap")
    found = set()
    for i in range(struct.unpack_from(">H", data, cmap + 2)[0]):
        platform, encoding, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * i)
        if platform not in (0, 3) or (platform, encoding) == (0, 5):
            continue
        at = cmap + offset
        kind = struct.unpack_from(">H", data, at)[0]
        if kind == 12:
            groups = np.frombuffer(data, ">u4", 3 * struct.unpack_from(">I", data, at + 12)[0], at + 16).reshape(-1, 3)
            for first, last, glyph in groups:
                found.update(range(int(first) + (glyph == 0), int(last) + 1))
        elif kind == 4:
            n = struct.unpack_from(">H", data, at + 6)[0] // 2
            ends, starts, deltas, offsets = (np.frombuffer(data, ">u2", n, at + p).astype(int)
                                             for p in (14, 16 + 2 * n, 16 + 4 * n, 16 + 6 * n))
            for k in range(n):
                for c in range(starts[k], ends[k] + 1):
                    glyph = c
                    if offsets[k]:
                        glyph = struct.unpack_from(">H", data, at + 16 + 6 * n + 2 * k + offsets[k] + 2 * (c - starts[k]))[0]
                    if c != 0xFFFF and glyph and (glyph + deltas[k]) & 0xFFFF:
                        found.add(c)
    return frozenset(found)


def covers(font, char):
    """Whether `font` has a glyph for `char`."""
    return ord(char) in _characters(font.path, font.index)


# Characters of names, places and quotations that the corpus or ordinary registers of names show, and GB 2312 lacks.
EXTRA = (
    "瞭埇査堃電埗廣華釆瀍硚啟時孫溇浉權員師報垱浬昇證關內焜屾傳門觸發處潟䑩郚崙進丟碶問沒垵網區實當許約歲維襲垞訴廳資滘祐噁鮡鱀鯮鳤鲌雲"
    "條學記給酂氾吿別現碁倶衎禪場搶調頭線過經動紛繼為並脫檢與審陜聯屬煒劉嶺泃俶垟辿堉伾鸮諮鲹滆氹麗悽鉄歀粄妚劵証劦讓書餘種阾"
    "稙晬髙阇汈匜甗堽缷袓堎冇轉簽機張會題効禤曈甪郤芐鬛雙踇浭旴硋喆洴澥車禍園購視頻兩對擊親導閉顯點橫馬懷雖終慶東連類劇"
    "稱絡溝則絕應說談貞將舉體鐘間驗獲釋燊漹級詢庫評訊數築顛國"
    "祎珺玥瑀瑄琬璟璐昶晔暄煊烨焱淏淼濛禛穎翀翊芃苒菡蓁赟钇钰铖镕頔飏骉鎏鑫鋆彧旻旸樾沄洺浠滢溍嫄姵婳婍嬿孞崧巍廪弢惇懋抃攸斌晗晟晢曌朙"
    "枻栩桢棽楙榆槿橦欤歆毓氲汭沚泓洧涟淯渼湉滟漪澔澍瀚灏炘炜炫烜熙熠爔犇玎玙玠玢玭珅珈珣珩珮琇琎琤琨琯瑗瑢瑭璇璎璜瓒甯皓皞睿睎砺硕祺祯禧"
    "秭稷竑笪筠箐粲綦綮縯纮绎翃翎翯聿胤舸艺芮芷茗荃荇莛菁菀萱葳蒨蔓薇藟虓蠡衔裎觌訚諴谌豫赜轲辰迺逵郗郦邡鄢鄄酃釭銮锟锴镔镒阚陟隽雯霄霏霖"
    "靓靖韬韫颀颢飒馥骁骢鲲鸥鹍麒麟黛龑㛃㵑䶮邨峯堺埼槇梶辻栃淸眞晧浚瀛囍晉黃鳳龍靈蕭陳趙錢鄭衛蔣韓楊呂葉彥閻賀畢鄧賴龔顧羅"
    "孟瑒玟玚琊璘鹂湜炁烊琱镛祜喬偉傑華衞於裡裏淩淨甦囧囯囡邛崃儋氿汜沨垴垭塬墚墘埔埕埭坂埧塍圩圳屺岙岽峁崚嵊嵖嶂巘浐潓濉濂灞瓯盱眙筲箬篁粿蓥"
    "虒蚬谿豨磜磛礐礜礤"
)
_SYMBOLS = (
    "、。·ˉ—～…‘’“”〔〕〈〉《》「」『』〖〗【】±×÷∶∧∨∑∏∪∩∈∷√⊥∥∠⌒⊙∫≌≈∽∝≠≮≯≤≥∞∵∴♂♀°′″℃$¤￠￡‰§№☆★○●◎◇◆□■△▲※→←↑↓〓"
    "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽㈠㈡㈢㈣㈤㈥㈦㈧㈨㈩ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ"
    "！＂＃￥％＆（）＋，－．／：；＜＝＞？［］＿｛｜｝"
    "☑☒✓✔▼▽㎡㎜㎝㎞㎏㎎㎥€£¥©®™〇αβγδθλμπσφωΔΦΩ"
)
# Forms that shape alone does not tell apart, and misprints of the sources: `corpus.normalise` writes what is on the right.
UNIFIED = {"∶": "：", "￡": "£", "￠": "", "¤": "", "ˉ": "", "∷": "", "〓": "", "⒈": "1.", "⒉": "2.", "⒊": "3.", "⒋": "4.", "⒌": "5.", "⒍": "6.",
           "⒎": "7.", "⒏": "8.", "⒐": "9.", "―": "—", "─": "—", "━": "—", "•": "·", "・": "·", "‧": "·", "∙": "·", "﹢": "+", "﹝": "〔",
           "﹞": "〕", "﹤": "<", "﹥": ">", "﹕": "：", "﹪": "%", "﹑": "、", "︰": "：", "∕": "/", "„": "“", "＇": "'", "＊": "*",
           "吿": "告", "髙": "高", "査": "查", "歀": "款", "劵": "券", "缷": "卸", "淸": "清", "眞": "真", "砕": "碎", "効": "效", "倶": "俱",
           "亊": "事", "岀": "出", "抅": "拘", "晧": "皓", "朙": "明", "鉄": "铁", "–": "-", "－": "-", "／": "/", "．": ".", "＋": "+",
           "＝": "=", "＜": "<", "＞": ">", "＃": "#", "＆": "&", "＿": "_", "｛": "{", "｜": "|", "｝": "}", "＂": '"', "［": "[", "］": "]",
           "＄": "$", "＠": "@", "＾": "^", "｀": "`", "〜": "～", "＼": "\\", "ⅹ": "x", "｟": "（", "｠": "）",
           **{chr(0xFF10 + i): chr(0x30 + i) for i in range(10)},
           **{chr(0xFF21 + i): chr(0x41 + i) for i in range(26)}, **{chr(0xFF41 + i): chr(0x61 + i) for i in range(26)}}


def _charset():
    ordered = [chr(c) for c in range(0x21, 0x7F)] + list(_SYMBOLS)
    for row in range(0xB0, 0xF8):
        for column in range(0xA1, 0xFF):
            if (row, column) < (0xD7, 0xFA) or row > 0xD7:
                ordered.append(bytes([row, column]).decode("gb2312"))
    ordered += list(EXTRA)
    return [c for c in dict.fromkeys(ordered) if c not in UNIFIED or UNIFIED[c] == c] + [" "]


CHARSET = _charset()
"""Every character the recogniser knows, in the order of its classes 1, 2, ...; the space is the last."""
