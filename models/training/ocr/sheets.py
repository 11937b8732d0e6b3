"""Pages whose text stands in places: ID card, evidence list, invoice, chat screenshot, table, form."""
import cv2
import numpy as np

from canvas import Canvas
from flow import Flow, wrap
from prose import footer, header, margins, sheet


def _fit(style, text, width):
    """As much of `text` as fits in one line of `width` pixels."""
    text = style.has(text)
    while text and style.width(text) > width:
        text = text[:-1]
    return text.strip()


def _cell(canvas, x0, y0, x1, y1, text, style, align="left", role="cell", leading=1.25, pad=0.4):
    """Text inside a rectangle, over several lines, centred vertically, `pad` characters from its sides."""
    pad *= style.size
    lines = wrap(style.has(text), style, max(style.size, x1 - x0 - 2 * pad))
    lines = lines[:max(1, int((y1 - y0) / (leading * style.size)))]
    y = (y0 + y1) / 2 - len(lines) * leading * style.size / 2
    for line in lines:
        width = style.width(line)
        x = {"left": x0 + pad, "centre": (x0 + x1 - width) / 2, "right": x1 - pad - width}[align]
        canvas.text(x, y + (leading - 1) / 2 * style.size + 0.86 * style.size, line, style, role)
        y += leading * style.size


def _picture(look, canvas, x0, y0, x1, y1):
    """A grey blotch where a photograph would be."""
    rng = look.rng
    w, h = int(x1 - x0), int(y1 - y0)
    small = rng.uniform(60, 220, (max(2, h // 40 + 2), max(2, w // 40 + 2), 3)).astype(np.float32)
    canvas.flush()
    part = canvas.image[int(y0):int(y0) + h, int(x0):int(x0) + w]
    part[:] = cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC).clip(0, 255)[:part.shape[0], :part.shape[1]]
    canvas.region("picture", x0, y0, x1, y1)


def _one_card(look, canvas, x, y, u, front):
    """One side of an ID card, `u` pixels a millimetre, at (x, y)."""
    rng, t = look.rng, look.text
    ground = rng.uniform(215, 245, 3)
    canvas.fill(x, y, x + 85.6 * u, y + 54 * u, ground, 3 * u)
    wave = np.arange(0, 85 * u, 2 * u)
    for i in range(1, 18):
        line = np.stack([x + wave, y + 3 * u * i + 1.2 * u * np.sin(wave / (6 * u) + rng.uniform(0, 6))], 1).astype(np.int32)
        cv2.polylines(canvas.image, [line], False, tuple(float(v) for v in ground * rng.uniform(0.9, 0.98)), max(1, int(0.15 * u)), cv2.LINE_AA)
    label = look.style(look.body, 1, ink=look.pick([(150, 90, 40), (120, 100, 60), (90, 90, 90)])).but(size=2.9 * u)
    value = look.style(look.body, 1).but(size=3.5 * u)
    if not front:
        canvas.text(x + 24 * u, y + 15 * u, "中华人民共和国", label.but(size=4.6 * u, ink=(30, 30, 30), spacing=0.6 * u), "title")
        canvas.text(x + 22 * u, y + 24 * u, "居民身份证", label.but(size=6.4 * u, ink=(30, 30, 30), spacing=2.2 * u), "title")
        cv2.circle(canvas.image, (int(x + 12 * u), int(y + 14 * u)), int(7 * u), (70, 70, 200), -1, cv2.LINE_AA)
        for k, (a, b) in enumerate((("签发机关", t.line(4) + "公安局"), ("有效期限", "2015.03.12-2035.03.12"))):
            at = y + (41 + 7 * k) * u
            first = canvas.text(x + 17 * u, at, a, label.but(ink=(30, 30, 30)), "label")
            canvas.join(first, canvas.text(x + 33 * u, at, _fit(value, b, 46 * u), value.but(size=3.2 * u), "value"))
        return
    rows = [(9.5, "姓名", t.name()[:4]), (16.5, "性别", None), (23.5, "出生", None), (31, "住址", None)]
    for dy, name, text in rows:
        at = y + dy * u
        first = canvas.text(x + 5 * u, at, name, label.but(spacing=2.2 * u), "label")
        if name == "姓名":
            canvas.join(first, canvas.text(x + 16 * u, at, value.has(text), value.but(spacing=0.5 * u), "value"))
        elif name == "性别":
            canvas.join(first, canvas.text(x + 16 * u, at, look.pick("男女"), value, "value"))
            first = canvas.text(x + 27 * u, at, "民族", label.but(spacing=0.8 * u), "label")
            canvas.join(first, canvas.text(x + 37 * u, at, look.pick(["汉", "回", "满", "蒙古", "维吾尔", "壮"]), value, "value"))
        elif name == "出生":
            text = f"{t.year()} 年 {rng.integers(1, 13)} 月 {rng.integers(1, 29)} 日"
            canvas.join(first, canvas.text(x + 16 * u, at, text, value.but(size=3.2 * u), "value"))
        else:
            small = value.but(size=3.3 * u)
            for k, line in enumerate(wrap(value.has(t.address() + t.address()[:int(rng.integers(0, 9))]), small, 37 * u)[:3]):
                second = canvas.text(x + 16 * u, at + 4.8 * k * u, line, small, "value")
                if k == 0:
                    canvas.join(first, second)
    canvas.text(x + 5 * u, y + 49 * u, "公民身份号码", label, "label")
    canvas.text(x + 29 * u, y + 49 * u, t.id_number(), value.but(size=4 * u, spacing=0.6 * u, latin=look.pick(look.latins)), "number")
    _picture(look, canvas, x + 58 * u, y + 6 * u, x + 80 * u, y + 36 * u)


def id_card(look):
    """A card that fills the picture, or copies of both sides on a sheet."""
    rng = look.rng
    if rng.random() < 0.55:
        u = max(8.0, 2.2 * look.dpi / 25.4)  # photographed close: at least 8 pixels a millimetre
        edge = rng.uniform(0, 9)
        canvas = Canvas(rng, (85.6 + 2 * edge) * u, (54 + 2 * edge) * u, look.pick([look.paper(), (90, 110, 130), (60, 60, 60), (170, 190, 200)]), look.dpi)
        _one_card(look, canvas, edge * u, edge * u, u, rng.random() < 0.75)
        return canvas
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    u = look.dpi / 25.4 * rng.uniform(1.0, 1.5)
    x = (canvas.width - 85.6 * u) / 2
    if rng.random() < 0.6:
        style = look.style(look.bold, 16)
        text = look.pick(["身份证复印件", "当事人身份证明", "居民身份证正反面"])
        canvas.text((canvas.width - style.width(text)) / 2, top + style.size, text, style, "title")
    _one_card(look, canvas, x, top + 15 * u, u, True)
    _one_card(look, canvas, x, top + (15 + 60) * u, u, False)
    return canvas


def _grid(look, canvas, left, top, widths, heights, rows, style, heads=None, aligns=None, rules=True, pad=0.4):
    """A table: `rows` of texts; records the table's and cells' regions; returns its bottom."""
    xs, ys = left + np.concatenate([[0], np.cumsum(widths)]), top + np.concatenate([[0], np.cumsum(heights)])
    width = max(1, canvas.point(look.rng.uniform(0.4, 1.0)))
    ink = look.pick([(20, 20, 20), (20, 20, 20), (90, 90, 90), (120, 60, 20)])
    if rules:
        for y in ys:
            canvas.rule(xs[0], y, xs[-1], y, width, ink)
        for x in xs:
            canvas.rule(x, ys[0], x, ys[-1], width, ink)
    else:
        for y in (ys[0], ys[1], ys[-1]):
            canvas.rule(xs[0], y, xs[-1], y, width, ink)
    canvas.region("table", xs[0], ys[0], xs[-1], ys[-1])
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            canvas.region("cell", xs[c], ys[r], xs[c + 1], ys[r + 1])
            if text:
                own = heads if heads is not None and r == 0 else style
                align = "centre" if r == 0 or aligns is None else aligns[c]
                _cell(canvas, xs[c], ys[r], xs[c + 1], ys[r + 1], text, own, align, pad=pad)
    return ys[-1]


def evidence(look):
    rng, t = look.rng, look.text
    canvas = sheet(look, landscape=rng.random() < 0.25)
    left, right, top, bottom = margins(look, canvas)
    style, bold = look.style(look.body, rng.uniform(9.5, 13)), None
    bold = look.style(look.bold, 1).but(size=style.size)
    flow = Flow(canvas, left, right, top, bottom, style, 1.5 * style.size)
    flow.title(look.pick(["证据清单", "证 据 目 录", "证据目录", "原告证据清单", "证据材料清单"]), look.style(look.bold, rng.uniform(17, 22)))
    if rng.random() < 0.8:
        flow.line(style.has("案号：" + t.case_number()))
        flow.line(style.has("提交人：" + t.name()))
        flow.skip(0.3)
    heads = look.pick([["序号", "证据名称", "页数", "证明目的"], ["编号", "名称", "来源", "证明内容", "页码"], ["序号", "证据名称", "份数", "原件/复印件", "证明对象", "备注"]])
    shares = np.array([{"序号": 1, "编号": 1, "页数": 1, "份数": 1, "页码": 1.2, "备注": 1.3, "来源": 1.5, "原件/复印件": 1.6}.get(h, 4.0 if h.startswith("证明") else 2.6) for h in heads])
    widths = shares / shares.sum() * (right - left)
    rows, heights, y = [heads], [2.0 * style.size], flow.y + 2 * style.size
    for i in range(int(rng.integers(2, 16))):
        row = [{"序号": str(i + 1), "编号": str(i + 1), "页数": str(rng.integers(1, 30)), "份数": str(rng.integers(1, 4)), "页码": f"{i * 3 + 1}-{i * 3 + int(rng.integers(1, 4))}",
                "备注": look.pick(["", "", "原件", "复印件"]), "来源": look.pick(["原告", "被告", "法院调取", "网页打印"]), "原件/复印件": look.pick(["原件", "复印件"])}.get(
                    h, t.paragraph("cases")[:int(rng.integers(8, 50))] if h.startswith("证明") else look.pick([t.term() + "合同", t.term() + "凭证", t.line(7), "聊天记录截图", "银行转账记录", "微信支付凭证"])) for h in heads]
        need = max(len(wrap(style.has(x), style, w - 0.8 * style.size)) for x, w in zip(row, widths) if x)
        height = (1.25 * need + rng.uniform(0.5, 0.9)) * style.size
        if y + height > bottom - 3 * style.size:
            break
        rows.append(row), heights.append(height)
        y += height
    aligns = ["centre" if s < 2 else "left" for s in shares]
    flow.y = _grid(look, canvas, left, flow.y, widths, heights, rows, style, bold, aligns) + style.size
    if not flow.full(2):
        flow.line("提交人：" + style.has(t.name()), align="right", role="signature")
        flow.line("提交日期：" + t.date(), align="right", role="date")
    footer(look, canvas, left, right, bottom)
    return canvas


def table(look):
    rng, t = look.rng, look.text
    canvas = sheet(look, landscape=rng.random() < 0.4)
    left, right, top, bottom = margins(look, canvas)
    header(look, canvas, left, right, top)
    style = look.style(look.body, rng.uniform(9, 12))
    flow = Flow(canvas, left, right, top, bottom, style, 1.5 * style.size)
    if rng.random() < 0.8:
        flow.title(t.term() + look.pick(["统计表", "明细表", "一览表", "登记表", "清单"]), look.style(look.bold, rng.uniform(14, 20)), gap=0.4)
    n = int(rng.integers(3, 9))
    shares = rng.uniform(0.6, 1.8, n)
    widths = shares / shares.sum() * (right - left)
    kinds = [look.pick([t.name, t.amount, t.cell, t.date, t.term, lambda: t.line(int(rng.integers(2, 14))), lambda: t.digits(int(rng.integers(1, 9)))]) for _ in range(n)]
    height = rng.uniform(1.6, 2.6) * style.size
    count = int(min(rng.integers(4, 40), (bottom - flow.y) / height - 1))
    rules = rng.random() < 0.8
    pad = 0.4 if rules else 0.9  # without rulings only room parts the cells
    rows = [[_fit(style, t.term(), w - 2 * pad * style.size) for w in widths]]
    rows += [[_fit(style, k(), w - 2 * pad * style.size) if rng.random() < 0.92 else "" for k, w in zip(kinds, widths)] for _ in range(max(1, count))]
    flow.y = _grid(look, canvas, left, flow.y, widths, [height] * len(rows), rows, style, look.style(look.bold, 1).but(size=style.size),
                   [look.pick(["left", "centre", "right"]) for _ in range(n)], rules, pad) + style.size
    if not flow.full(2) and rng.random() < 0.6:
        flow.paragraph("注：" + t.line(int(rng.integers(8, 60))), indent=0)
    footer(look, canvas, left, right, bottom)
    return canvas


def invoice(look):
    rng, t = look.rng, look.text
    w, h = look.pick([(9.45, 5.5), (8.27, 5.83), (8.27, 5.2)])
    canvas = Canvas(rng, w * look.dpi, h * look.dpi, look.paper(), look.dpi)
    print_ink = look.pick([(30, 60, 150), (140, 60, 30), (60, 90, 60), (20, 20, 20)])
    left, right, top = 0.06 * canvas.width, 0.94 * canvas.width, 0.05 * canvas.height
    base = look.style(look.body, rng.uniform(8.5, 10))
    label, value = base.but(ink=print_ink), base
    if rng.random() < 0.5:
        value = base.but(latin=look.pick(look.latins))
    size = base.size
    title = look.style(look.bold, rng.uniform(15, 19)).but(ink=print_ink)
    name = look.pick(["增值税专用发票", "增值税电子普通发票", "增值税普通发票", "电子发票（普通发票）", "诉讼费专用票据"])
    canvas.text((canvas.width - title.width(name)) / 2, top + title.size, name, title, "title")
    x, y = right - 13 * size, top + 0.6 * size
    for a, b in (("发票代码：", t.digits(12)), ("发票号码：", t.digits(8)), ("开票日期：", f"{t.year()}年{rng.integers(1, 13):02d}月{rng.integers(1, 29):02d}日")):
        y += 1.45 * size
        canvas.text(x, y + 1.2 * title.size, a + b, value, "number")
    y += 1.2 * title.size + 0.8 * size
    bottom_party = y + 6.4 * size
    canvas.box(left, y, right, bottom_party, max(1, canvas.point(0.7)), print_ink)
    canvas.rule(left + 2 * size, y, left + 2 * size, bottom_party, 1, print_ink)
    for k, char in enumerate("购买方"):
        canvas.text(left + 0.5 * size, y + (1.8 + 1.6 * k) * size, char, label, "label")
    for k, text in enumerate(("名　称：" + t.company(), "纳税人识别号：" + t.credit_code(), "地址、电话：" + t.address() + " " + t.phone(), "开户行及账号：" + t.line(4) + "银行 " + t.bank_card())):
        canvas.text(left + 2.4 * size, y + (1.35 + 1.45 * k) * size, _fit(value, text, (right - left) - 4 * size), value, "value")
    y = bottom_party
    heads = ["货物或应税劳务名称", "规格型号", "单位", "数量", "单价", "金额", "税率", "税额"]
    shares = np.array([3.4, 1.6, 0.8, 1.1, 1.4, 1.7, 0.9, 1.5])
    xs = left + np.concatenate([[0], np.cumsum(shares / shares.sum() * (right - left))])
    count = int(rng.integers(1, 5))
    end = y + (1.6 + 1.5 * (count + 1)) * size
    canvas.region("table", left, y, right, end)
    for a in xs:
        canvas.rule(a, y, a, end, 1, print_ink)
    canvas.rule(left, end, right, end, max(1, canvas.point(0.7)), print_ink)
    for a, b, text in zip(xs, xs[1:], heads):
        _cell(canvas, a, y, b, y + 1.6 * size, _fit(label, text, b - a - 0.8 * size), label, "centre")
    total = 0.0
    for r in range(count):
        amount, n = float(10 ** rng.uniform(1, 5)), int(rng.integers(1, 200))
        total += amount
        row = ["*" + t.term()[:4] + "*" + t.line(3), t.digits(3) + "-" + t.digits(2), look.pick("个台件套份米"), str(n), f"{amount / n:.2f}", f"{amount:.2f}", look.pick(["13%", "6%", "3%", "9%"]), f"{amount * 0.13:.2f}"]
        for c, text in enumerate(row):
            top_row = y + (1.6 + 1.5 * r) * size
            _cell(canvas, xs[c], top_row, xs[c + 1], top_row + 1.5 * size, _fit(value, text, xs[c + 1] - xs[c] - 0.8 * size), value, "left" if c < 2 else "right")
    y = end
    canvas.box(left, y, right, y + 1.9 * size, 1, print_ink)
    canvas.text(left + size, y + 1.3 * size, "价税合计（大写）", label, "label")
    canvas.text(left + 11 * size, y + 1.3 * size, _fit(value, t.pick(["壹万贰仟叁佰肆拾伍元陆角柒分", "叁仟捌佰元整", "玖拾捌万柒仟元整", "伍佰贰拾元零壹角"]), 16 * size), value, "value")
    canvas.text(right - 11 * size, y + 1.3 * size, f"（小写）¥{total * 1.13:.2f}", value, "value")
    y += 3.6 * size
    for k, text in enumerate(("收款人：" + t.name(), "复核：" + t.name(), "开票人：" + t.name(), "销售方：（章）")):
        canvas.text(left + k * (right - left) / 4 + size, min(y, canvas.height - 4), _fit(value, text, (right - left) / 4 - 2 * size), value, "signature")
    return canvas


def chat(look):
    """A screenshot of a conversation; `dpi` 150 is a screen 750 pixels wide."""
    rng, t = look.rng, look.text
    width, height = 5.0 * look.dpi, rng.uniform(7.5, 11) * look.dpi
    dark = rng.random() < 0.12
    ground = (25, 25, 25) if dark else look.pick([(237, 237, 237), (245, 245, 245), (255, 255, 255), (230, 238, 240)])
    canvas = Canvas(rng, width, height, ground, look.dpi)
    ink = (225, 225, 225) if dark else (25, 25, 25)
    faint = (140, 140, 140)
    u = canvas.width / 100
    style = look.style(look.screen, 1, ink=ink).but(size=rng.uniform(3.9, 4.9) * u)
    small = style.but(size=0.68 * style.size, ink=faint)
    canvas.text(4 * u, 4.4 * u, f"{rng.integers(24)}:{rng.integers(60):02d}", style.but(size=3.3 * u), "header")
    canvas.text(86 * u, 4.4 * u, f"{rng.integers(5, 100)}%", style.but(size=3.1 * u), "header")
    name = style.has(look.pick([t.name(), t.company()[:10], t.term() + "群(" + str(rng.integers(3, 200)) + ")"]))
    title = style.but(size=4.8 * u)
    canvas.text((canvas.width - title.width(name)) / 2, 12.5 * u, name, title, "title")
    canvas.rule(0, 16 * u, canvas.width, 16 * u, 1, (200, 200, 200) if not dark else (60, 60, 60))
    y, group = 19 * u, rng.random() < 0.4
    green, white = ((80, 130, 60) if dark else look.pick([(105, 236, 149), (250, 220, 160)])), ((60, 60, 60) if dark else (255, 255, 255))
    while y < canvas.height - 16 * u:
        if rng.random() < 0.3:
            text = look.pick([f"{rng.integers(24)}:{rng.integers(60):02d}", f"昨天 {rng.integers(24)}:{rng.integers(60):02d}", f"{t.year()}年{rng.integers(1, 13)}月{rng.integers(1, 29)}日 上午{rng.integers(1, 12)}:{rng.integers(60):02d}", "以下为新消息", "对方撤回了一条消息"])
            canvas.text((canvas.width - small.width(text)) / 2, y + small.size, text, small, "note")
            y += 2.4 * small.size
        mine = rng.random() < 0.5
        canvas.fill(*((89 * u, y, 98 * u, y + 9 * u) if mine else (2 * u, y, 11 * u, y + 9 * u)), rng.uniform(60, 220, 3), 1.2 * u)
        if group and not mine:
            canvas.text(13.5 * u, y + small.size, small.has(t.name()), small, "label")
            y += 1.5 * small.size
        text = look.pick([lambda: t.line(int(rng.integers(2, 60))), lambda: look.pick(["好的", "收到", "在吗？", "嗯嗯", "谢谢", "什么时候还钱", "明天给你转过去", "[语音] 12\"", "我已经把合同发给你了"]),
                          lambda: t.paragraph("cases")[:int(rng.integers(5, 80))], lambda: "转账给你 ¥" + f"{rng.uniform(1, 9999):.2f}", t.phone, t.url])()
        lines = wrap(style.has(text), style, 62 * u)[:7]
        if not lines:
            continue
        wide, high = max(style.width(s) for s in lines), len(lines) * 1.35 * style.size
        if y + high + 5 * u > canvas.height - 12 * u:
            break
        x = 86.5 * u - wide - 5 * u if mine else 13.5 * u
        canvas.fill(x, y, x + wide + 5 * u, y + high + 4 * u, green if mine else white, 1.2 * u)
        own = style.but(ink=(20, 20, 20)) if mine and not dark else style
        for i, line in enumerate(lines):
            canvas.text(x + 2.5 * u, y + 2 * u + i * 1.35 * style.size + 1.02 * style.size, line, own, "body")
        y += high + rng.uniform(6, 10) * u
    canvas.fill(0, canvas.height - 11 * u, canvas.width, canvas.height, (40, 40, 40) if dark else (247, 247, 247))
    canvas.fill(14 * u, canvas.height - 9 * u, 76 * u, canvas.height - 2 * u, (60, 60, 60) if dark else (255, 255, 255), 1 * u)
    if rng.random() < 0.4:
        canvas.text(81 * u, canvas.height - 4.2 * u, "发送", style.but(size=3.6 * u), "label")
    return canvas


def form(look):
    """Underlined blanks and check boxes, some of them filled in by hand."""
    rng, t = look.rng, look.text
    canvas = sheet(look)
    left, right, top, bottom = margins(look, canvas)
    style = look.style(look.body, rng.uniform(10, 14))
    hand = look.style(look.brush, 1, ink=look.pick([(20, 20, 20), (120, 50, 20)])).but(size=style.size * rng.uniform(0.95, 1.15), wild=rng.uniform(0, 0.8), rng=rng, latin=None)
    size = style.size
    flow = Flow(canvas, left, right, top, bottom, style, rng.uniform(1.7, 2.4) * size)
    flow.title(look.pick(["送达地址确认书", "立案登记表", "诉讼权利义务告知书", "授权委托书", "缓交诉讼费申请表", "网上立案申请表", "执行线索登记表"]), look.style(look.bold, rng.uniform(16, 21)))
    while not flow.full(3):
        kind = rng.integers(5)
        base = flow.y + (flow.leading - size) / 2 + 0.86 * size
        if kind < 2:  # label and blank, one or two a row
            labels = look.pick([["姓名", "性别"], ["联系电话", "邮政编码"], ["案号"], ["送达地址"], ["身份证号码"], ["电子邮箱", "传真"], ["委托人", "受托人"], ["代理权限"], ["申请事项"]])
            share = (right - left) / len(labels)
            for i, name in enumerate(labels):
                x = left + i * share
                first = canvas.text(x, base, name + "：", style, "label")
                x += style.width(name + "：") + 0.2 * size
                end = left + (i + 1) * share - 0.8 * size
                canvas.rule(x, base + 0.22 * size, end, base + 0.22 * size, 1)
                if rng.random() < 0.75:
                    value = {"案号": t.case_number, "联系电话": t.phone, "送达地址": t.address, "身份证号码": t.id_number, "电子邮箱": t.email, "姓名": t.name, "委托人": t.name, "受托人": t.name,
                             "性别": lambda: look.pick("男女"), "邮政编码": lambda: t.digits(6), "传真": t.phone}.get(name, t.term)()
                    canvas.join(first, canvas.text(x + rng.uniform(0.2, 0.8) * size, base, _fit(hand, value, end - x - 1.2 * size), hand, "value"))
            flow.skip(1)
        elif kind == 2:  # check boxes, each with its word a line of its own when far apart
            options = look.pick([["是", "否"], ["同意", "不同意"], ["原件", "复印件", "电子件"], ["一般授权", "特别授权"], ["短信", "邮箱", "邮寄", "其他"]])
            text = t.term()[:6] + "：" + "　".join(look.pick("☑□□") + o for o in options)
            flow.line(_fit(style, text, right - left))
        elif kind == 3:
            flow.paragraph(t.paragraph("statutes")[:int(rng.integers(20, 110))])
        else:
            flow.line(_fit(style, look.pick([t.item(), ""]) + t.line(int(rng.integers(6, 20))) + "：" + look.pick(["□是　☑否", "☑是　□否", "（　）", ""]), right - left))
    flow.line(look.pick(["申请人（签名）：", "受送达人（签名）：", "委托人："]) + hand.has(t.name()), align="right", role="signature")
    flow.line(t.date(), align="right", role="date")
    footer(look, canvas, left, right, bottom)
    return canvas
