"""Pages of running text: complaint, judgment, contract, statute, columns, vertical columns, English, handwritten notes."""
import cv2
import numpy as np

from canvas import Canvas, glyph
from flow import Flow


def sheet(look, paper=None, landscape=False):
    """An empty sheet, A4 or nearly."""
    rng = look.rng
    size = (8.27, 11.69)
    if rng.random() < 0.15:
        size = [(8.5, 11.0), (5.83, 8.27), (7.17, 10.12)][rng.integers(3)]
    if landscape:
        size = size[::-1]
    return Canvas(rng, round(size[0] * look.dpi), round(size[1] * look.dpi), look.paper() if paper is None else paper, look.dpi)


def margins(look, canvas):
    """Left, right, top and bottom of the text."""
    rng = look.rng
    x, y = rng.uniform(0.09, 0.16) * canvas.width, rng.uniform(0.06, 0.12) * canvas.height
    return x, canvas.width - x * rng.uniform(0.85, 1.15), y, canvas.height - y * rng.uniform(0.9, 1.2)


def header(look, canvas, left, right, top):
    """Now and then a running header with a rule; drawn first, since it is read first."""
    if look.rng.random() < 0.25:
        style = look.style(look.body, 9)
        text = look.pick([look.text.company(), look.text.court(), look.text.case_number(), look.text.term() + "卷宗"])
        y = top - 1.6 * style.size
        text = style.has(text)
        canvas.text(left if look.rng.random() < 0.5 else (left + right - style.width(text)) / 2, y, text, style, "header")
        if look.rng.random() < 0.6:
            canvas.rule(left, y + 0.5 * style.size, right, y + 0.5 * style.size, max(1, canvas.point(0.5)))


def footer(look, canvas, left, right, bottom):
    """Mostly a page number."""
    rng = look.rng
    if rng.random() < 0.75:
        n = int(rng.integers(1, 40))
        text = look.pick([f"{n}", f"- {n} -", f"—{n}—", f"第{n}页", f"第 {n} 页 共 {n + int(rng.integers(0, 9))} 页", f"{n} / {n + int(rng.integers(0, 9))}", f"第{n}页/共{n + 3}页"])
        style = look.style(look.body, rng.uniform(8, 11))
        x = [(left + right - style.width(text)) / 2, right - style.width(text), left][rng.choice(3, p=[0.7, 0.2, 0.1])]
        canvas.text(x, min(canvas.height - 6, bottom + 2.2 * style.size), style.has(text), style, "page-number")


def _fill(flow, paragraph, until=None, most=60):
    """Sets paragraphs until the column is full (or `until` lines are left)."""
    for _ in range(most):
        if flow.full(1 + (until or 0)):
            return
        flow.paragraph(paragraph())


def _body(look, canvas, left, right, top, bottom, points, leading=None, justify=None, font=None):
    style = look.style(font or look.body, points)
    style.spacing = look.rng.choice([0, 0, 0, 0.02, 0.05, 0.1]) * style.size
    leading = leading or look.rng.uniform(1.35, 2.0)
    return Flow(canvas, left, right, top, bottom, style, leading * style.size, look.rng.random() < 0.6 if justify is None else justify)


def complaint(look):
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    header(look, canvas, left, right, top)
    flow = _body(look, canvas, left, right, top, bottom, rng.uniform(10.5, 16))
    flow.title(look.pick(["民事起诉状", "民 事 起 诉 状", "行政起诉状", "民事上诉状", "民事答辩状", "刑事自诉状", "再审申请书", "执行申请书", "起 诉 书", "代 理 词"]),
               look.style(look.bold, rng.uniform(18, 24)))
    bold = look.style(look.bold, 1).but(size=flow.style.size)
    for role in (["原告"] + ["被告"] * int(rng.integers(1, 3))):
        if rng.random() < 0.55:
            text = f"{role}：{t.name()}，{look.pick('男女')}，{t.date()}出生，{look.pick(['汉', '回', '满', '壮'])}族，住{t.address()}，公民身份号码{t.id_number()}，联系电话：{t.phone()}。"
        else:
            text = f"{role}：{t.company()}，住所地{t.address()}，统一社会信用代码：{t.credit_code()}。法定代表人：{t.name()}，{look.pick(['总经理', '董事长', '执行董事', '经理'])}。"
        flow.paragraph(text)
    flow.paragraph("诉讼请求：", bold)
    for i in range(int(rng.integers(1, 4))):
        flow.paragraph(f"{'一二三四'[i]}、" + look.pick([f"判令被告{look.pick(['支付', '退还', '赔偿'])}原告{t.term()}款{t.amount()}；", f"请求{t.line(14)}；", "本案诉讼费用由被告承担。"]))
    flow.paragraph("事实与理由：", bold)
    _fill(flow, lambda: t.paragraph("cases" if rng.random() < 0.8 else "statutes")[:500], until=5, most=int(rng.integers(1, 9)))
    if not flow.full(4):
        flow.line("此致", indent=2 * flow.style.size)
        flow.line(flow.style.has(t.court()))
        flow.line(look.pick(["具状人：", "原告：", "起诉人："]) + flow.style.has(t.name()), align="right", indent=rng.uniform(0, 3) * flow.style.size, role="signature")
        flow.line(t.date(), align="right", indent=rng.uniform(0, 2) * flow.style.size, role="date")
    footer(look, canvas, left, right, bottom)
    return canvas


def _seal(look, canvas, cx, cy, radius):
    """A round red seal over what is written; its letters are no lines."""
    canvas.flush()
    rng, r = look.rng, int(radius)
    cover = np.zeros((2 * r, 2 * r), np.uint8)
    cv2.circle(cover, (r, r), int(0.95 * r), 255, max(2, int(0.07 * r)), cv2.LINE_AA)
    star = [(r + k * r * np.sin(i * np.pi / 5), r - k * r * np.cos(i * np.pi / 5)) for i, k in enumerate([0.3, 0.12] * 5)]
    cv2.fillPoly(cover, [np.array(star).astype(np.int32)], 255, cv2.LINE_AA)
    name = look.text.court()[-12:]
    size = max(8, int(0.27 * r))
    for i, char in enumerate(name):
        angle = np.radians(-110 + 220 * i / max(1, len(name) - 1))
        mask = glyph(look.bold, size, char).mask
        if not mask.size or min(mask.shape) < 2:
            continue
        turn = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), -np.degrees(angle), 1)
        turn[:, 2] += (r + 0.72 * r * np.sin(angle) - mask.shape[1] / 2, r - 0.72 * r * np.cos(angle) - mask.shape[0] / 2)
        cover = np.maximum(cover, cv2.warpAffine(mask, turn, (2 * r, 2 * r)))
    blotch = cv2.resize(rng.uniform(0.45, 1, (max(2, r // 5), max(2, r // 5))).astype(np.float32), (2 * r, 2 * r), interpolation=cv2.INTER_CUBIC)
    x, y = int(np.clip(cx - r, 0, max(0, canvas.width - 2 * r))), int(np.clip(cy - r, 0, max(0, canvas.height - 2 * r)))
    part = canvas.image[y:y + 2 * r, x:x + 2 * r]
    a = (cover.astype(np.float32) / 255 * np.clip(blotch, 0, 1) * rng.uniform(0.6, 0.95))[:part.shape[0], :part.shape[1], None]
    ink = np.array([rng.uniform(20, 70), rng.uniform(15, 60), rng.uniform(180, 225)], np.float32) / 255
    part[:] = (part * (1 - a * (1 - ink))).astype(np.uint8)  # ink on ink: black stays black
    canvas.region("seal", x, y, x + 2 * r, y + 2 * r)


def judgment(look):
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    flow = _body(look, canvas, left, right, top, bottom, rng.uniform(12, 16))
    flow.title(t.court(), look.style(look.bold, rng.uniform(18, 22)), gap=0.2)
    flow.title(look.pick(["民事判决书", "民 事 判 决 书", "刑事判决书", "行政判决书", "民事裁定书", "民 事 调 解 书", "执行裁定书", "刑事附带民事判决书"]), look.style(look.bold, rng.uniform(20, 26)))
    flow.line(flow.style.has(t.case_number()), align="right", role="number")
    flow.skip(0.3)
    signed = rng.random() < 0.6
    for _ in range(int(rng.integers(0, 3))):
        flow.paragraph(f"{look.pick(['原告', '被告', '第三人', '上诉人（原审被告）', '被上诉人（原审原告）', '公诉机关'])}：{t.name()}，{look.pick('男女')}，{t.date()}出生，住{t.address()}。")
    _fill(flow, lambda: (t.paragraph("cases") if rng.random() < 0.7 else t.paragraph("statutes"))[:500], until=6 if signed else None, most=int(rng.integers(2, 14)))
    if signed and not flow.full(6):
        kai = look.style(look.brush, 1).but(size=flow.style.size)
        flow.skip(0.8)
        y = flow.y
        for title in look.pick([["审　判　长", "审　判　员", "人民陪审员"], ["审　判　员"], ["审　判　长", "审　判　员", "审　判　员"]]):
            flow.line(title + "　" + kai.has(t.name()), kai, "right", role="signature")
        flow.line(t.date(), align="right", role="date")
        flow.line("书　记　员　" + kai.has(t.name()), kai, "right", role="signature")
        canvas.region("signature", left + 0.5 * flow.width, y, right, flow.y)
        if rng.random() < 0.6:
            radius = canvas.point(rng.uniform(50, 62))
            _seal(look, canvas, right - rng.uniform(2, 7) * flow.style.size, flow.y - 2.2 * flow.leading, radius)
    footer(look, canvas, left, right, bottom)
    return canvas


def contract(look):
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    header(look, canvas, left, right, top)
    flow = _body(look, canvas, left, right, top, bottom, rng.uniform(10, 14))
    flow.title(look.pick(["买卖合同", "房屋租赁合同", "技术服务合同", "借款合同", "劳动合同书", "委托代理协议", "股权转让协议", "装修工程施工合同"]), look.style(look.bold, rng.uniform(17, 22)))
    if rng.random() < 0.5:
        flow.line(flow.style.has("合同编号：" + t.digits(8)), align="right", role="number")
    flow.line(flow.style.has("甲方：" + t.company()))
    flow.line(flow.style.has("乙方：" + (t.name() if rng.random() < 0.5 else t.company())))
    bold = look.style(look.bold, 1).but(size=flow.style.size)
    article, parties = 1, rng.random() < 0.6
    while not flow.full(7 if parties else 1) and article < 16:
        if rng.random() < 0.5:
            flow.paragraph(f"第{'一二三四五六七八九十'[min(article, 10) - 1]}条 {t.term()}", bold, indent=look.pick([0, 2]))
        for i in range(int(rng.integers(1, 4))):
            if flow.full(7 if parties else 1):
                break
            flow.paragraph(look.pick([f"{article}.{i + 1} ", f"（{i + 1}）", f"{i + 1}、", ""]) + t.paragraph("statutes")[:180])
        article += 1
    if parties and not flow.full(6):
        flow.skip(0.5)
        middle = (left + right) / 2 + flow.style.size
        size = flow.style.size
        rows = [("甲方（盖章）：", "乙方（签字）："), ("法定代表人：" + t.name(), "身份证号：" + t.digits(6)), ("地址：" + t.line(6), "电话：" + t.phone()), ("日期：" + t.date(), "日期：" + t.date())]
        for a, b in rows:
            y = flow.y + 0.86 * size
            room = middle - left - 3 * size
            a, b = flow.style.has(a), flow.style.has(b)
            while flow.style.width(a) > room:
                a = a[:-1]
            canvas.text(left, y, a, flow.style, "signature")
            canvas.text(middle, y, b, flow.style, "signature")
            flow.skip(1.25)
    footer(look, canvas, left, right, bottom)
    return canvas


def statute(look):
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    header(look, canvas, left, right, top)
    flow = _body(look, canvas, left, right, top, bottom, rng.uniform(9, 13), rng.uniform(1.25, 1.7))
    if rng.random() < 0.5:
        flow.title(f"第{'一二三四五六七八九'[rng.integers(9)]}章　{t.term()}", look.style(look.bold, rng.uniform(13, 18)))
    _fill(flow, lambda: t.paragraph("statutes"))
    footer(look, canvas, left, right, bottom)
    return canvas


def columns(look):
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    flow = _body(look, canvas, left, right, top, bottom, rng.uniform(9, 11), rng.uniform(1.3, 1.6), justify=True)
    if rng.random() < 0.8:
        flow.title(t.line(int(rng.integers(6, 16))).strip("，。、；：,. "), look.style(look.bold, rng.uniform(16, 22)))
        flow.line(flow.style.has(t.name() + "　" + t.name()), align="centre")
        flow.skip(0.5)
    count = 3 if rng.random() < 0.15 else 2
    gap = rng.uniform(1.8, 3.2) * flow.style.size
    width = (right - left - gap * (count - 1)) / count
    for i in range(count):
        x = left + i * (width + gap)
        part = Flow(canvas, x, x + width, flow.y, bottom, flow.style, flow.leading, True)
        _fill(part, lambda: t.paragraph())
        if i and rng.random() < 0.15:
            canvas.rule(x - gap / 2, flow.y, x - gap / 2, bottom, 1)
    footer(look, canvas, left, right, bottom)
    return canvas


def vertical(look):
    """Columns from right to left."""
    rng, t = look.rng, look.text
    canvas = sheet(look, landscape=rng.random() < 0.4)
    left, right, top, bottom = margins(look, canvas)
    style = look.style(look.body, rng.uniform(11, 20))
    style.spacing = rng.uniform(0, 0.15) * style.size
    pitch = rng.uniform(1.4, 2.1) * style.size
    x, ruled = right - style.size, rng.random() < 0.25
    if rng.random() < 0.6:
        title = look.style(look.bold, rng.uniform(18, 26))
        canvas.vertical(right - title.size, top + rng.uniform(0, 2) * title.size, t.line(int(rng.integers(4, 12))), title, bottom, role="title")
        x -= 2 * title.size
    text, stop = "", left + rng.choice([0, 0, 0.4]) * (right - left)
    while x - style.size / 2 > stop:
        start = top
        if not text:
            text, start = style.has(t.paragraph())[:int(rng.integers(30, 300))], top + 2 * style.size
        text = text[max(1, canvas.vertical(x, start, text, style, bottom)):]
        if ruled:
            canvas.rule(x - pitch / 2, top, x - pitch / 2, bottom, 1, ink=(60, 60, 160))
        x -= pitch
    return canvas


def english(look):
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    font = look.pick(look.latins)
    flow = _body(look, canvas, left, right, top, bottom, rng.uniform(9, 13), rng.uniform(1.2, 1.7), font=font)
    flow.title(t.english(int(rng.integers(10, 30))).upper(), look.style(font, rng.uniform(14, 20)))
    for i in range(40):
        if flow.full():
            break
        flow.paragraph((f"{i + 1}. " if rng.random() < 0.4 else "") + t.english(int(rng.integers(40, 600))), indent=look.pick([0, 2]))
        flow.skip(rng.uniform(0, 0.6))
    footer(look, canvas, left, right, bottom)
    return canvas


def notes(look):
    """Handwritten-like: every character moves, grows and slants a little."""
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    style = look.style(look.brush, rng.uniform(13, 22), ink=look.pick([(20, 20, 20), (110, 40, 20), (60, 50, 40), (150, 60, 30)])).but(wild=rng.uniform(0.5, 1.3), rng=rng, latin=None)
    style.spacing = rng.uniform(-0.03, 0.06) * style.size
    flow = Flow(canvas, left, right, top, bottom, style, rng.uniform(1.4, 2.2) * style.size)
    if rng.random() < 0.5:
        for k in range(int((bottom - top) / flow.leading) + 1):
            y = top + (k + 1) * flow.leading - 0.15 * style.size
            canvas.rule(left, y, right, y, 1, ink=look.pick([(190, 170, 150), (170, 170, 220)]))
    if rng.random() < 0.7:
        flow.line(style.has(look.pick(["借条", "收条", "欠条", "情况说明", "证明", "承诺书", "授权委托书", "会议记录", "询问笔录", "保证书"])), style.but(size=1.4 * style.size), "centre", role="title")
        flow.skip(0.4)
    most = int(rng.integers(2, 8))
    _fill(flow, lambda: t.paragraph("cases" if rng.random() < 0.7 else "statutes")[:int(rng.integers(30, 260))], until=2, most=most)
    if not flow.full(2):
        flow.line(look.pick(["借款人：", "证明人：", "承诺人：", "签名："]) + style.has(t.name()), align="right", indent=style.size, role="signature")
        flow.line(style.has(t.date()), align="right", role="date")
    return canvas
