"""The line recogniser: a residual convolutional network over the line, one row of features for every 4 pixels of width."""
import torch
from torch import nn
from torch.nn import functional as F

STRIDE = 4


class Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, padding=1, active=True, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.active = active

    def forward(self, x):
        x = self.norm(self.conv(x))
        return F.relu(x, inplace=True) if self.active else x


class Block(nn.Module):
    """Residual block of two units (He et al., 2016)."""

    def __init__(self, width, kernel=3, padding=1):
        super().__init__()
        self.first, self.second = Unit(width, width, kernel, 1, padding), Unit(width, width, kernel, 1, padding, active=False)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)), inplace=True)


class Context(nn.Module):
    """Residual block along the line: each channel over `reach` frames, then across the channels. Shape alone does not tell x from X,
    a dash from the numeral one or an empty box from the character for mouth; two characters to either side do."""

    def __init__(self, width, reach=15):
        super().__init__()
        self.branch = nn.Sequential(Unit(width, width, (1, reach), 1, (0, reach // 2), active=False, groups=width), Unit(width, width, 1, 1, 0),
                                    Unit(width, width, 1, 1, 0, active=False))

    def forward(self, x):
        return F.relu(x + self.branch(x), inplace=True)


class Recogniser(nn.Module):
    """x [N, 1, 32, W] in -1..1 (W a multiple of 4) -> features [N, W/4, 144]; `read` and `place` turn rows of them into raw class scores
    and boxes (left, top, right, bottom; see the card)."""

    def __init__(self, classes, features=144):
        super().__init__()
        self.trunk = nn.Sequential(
            Unit(1, 16, 3, 2), Unit(16, 32, 3, 2), Block(32),
            Unit(32, 80, 3, (2, 1)), Block(80),
            Unit(80, 144, 3, (2, 1)), Block(144),
            Unit(144, 192, (2, 3), 1, (0, 1)),
            Unit(192, 192, (1, 3), 1, (0, 1)),
            Context(192), Context(192), Context(192),
            nn.Conv2d(192, features, 1),
        )
        self.read = nn.Linear(features, classes)
        self.place = nn.Sequential(nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, 4))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        for m in self.modules():
            if isinstance(m, Block):
                nn.init.constant_(m.second.norm.weight, 0.2)
            if isinstance(m, Context):
                nn.init.zeros_(m.branch[2].norm.weight)
        nn.init.normal_(self.read.weight, std=0.05)
        nn.init.zeros_(self.read.bias)

    def forward(self, x):
        return self.trunk(x)[:, :, 0].transpose(1, 2)


class Gate(nn.Module):
    """Says of features [..., 144] whether the frame needs the classifier: above 0."""

    def __init__(self, features=144, width=32):
        super().__init__()
        self.hidden, self.out = nn.Linear(features, width), nn.Linear(width, 1)

    def forward(self, f):
        return self.out(F.relu(self.hidden(f)))[..., 0]


class Exported(nn.Module):
    """The network with the outputs of the card: scores and classes [N, W/4, KEPT], boxes [N, W/4, 4]. Frames behind a closed gate are
    the blank with probability 1."""

    KEPT = 17                    # the blank and sixteen candidates, among which correction looks

    def __init__(self, net, gate, temperature=1.0):
        super().__init__()
        # In the classifier's weights the temperature costs nothing; a division of all classes' scores takes a tenth of the time of a line.
        with torch.no_grad():
            net.read.weight /= temperature
            net.read.bias /= temperature
        self.net, self.gate = net, gate

    def forward(self, x):
        f = self.net(x)
        flat = f.reshape(-1, f.shape[2])
        # A line's first frame is always open: ONNX Runtime's TopK divides by zero where no row is left.
        open_ = torch.cat([torch.ones_like(f[:, :1, 0]), self.gate(f[:, 1:])], 1) > 0
        rows = torch.nonzero(open_.reshape(-1))
        scores, classes = torch.softmax(self.net.read(flat[rows[:, 0]]), -1).topk(self.KEPT, -1)
        shut = torch.zeros_like(flat[:, :self.KEPT])
        sure = shut + torch.tensor([1.0] + [0.0] * (self.KEPT - 1))
        shape = (f.shape[0], f.shape[1], self.KEPT)
        scores = sure.index_put((rows[:, 0],), scores).reshape(shape)
        classes = shut.long().index_put((rows[:, 0],), classes).reshape(shape)
        return scores, classes, self.net.place(f)


def settled(scores, classes, boxes, space):
    """The network's outputs -> scores and classes of what is heard: what neighbouring frames disagree about is settled, as the server does after a run
    (in the graph these hundreds of small operators took a twentieth of its time)."""
    heard = nearly_said(scores, classes, space)[..., None]
    scores = torch.where(heard, torch.cat([scores[..., 1:2], scores[..., :1], scores[..., 2:]], -1), scores)
    classes = torch.where(heard, torch.cat([classes[..., 1:2], classes[..., :1], classes[..., 2:]], -1), classes)
    twice = said_twice(scores[..., 0], classes[..., 0], boxes)[..., None]
    sure = torch.tensor([1.0] + [0.0] * (scores.shape[-1] - 1))
    return torch.where(twice, sure, scores), torch.where(twice, torch.zeros_like(classes), classes)


def nearly_said(scores, classes, space, most=0.7, least=0.25):
    """[N, T, k], best first -> whether a frame that reads the blank, with a probability below `most`, is to be heard as its second class,
    which is no space, has more than `least` and is what no frame one or two away reads: a narrow letter or a dot in a number that falls between two
    frames is sure in neither. It keeps its low probability."""
    first, second = classes[..., 0], classes[..., 1]
    found = (first == 0) & (scores[..., 0] < most) & (scores[..., 1] > least) & (second != space)
    for k in (1, 2):
        pad = torch.zeros_like(first[:, :1]).expand(-1, k)
        for other in (torch.cat([pad, first], 1)[:, :first.shape[1]], torch.cat([first, pad], 1)[:, k:]):
            found = found & (other != second)
    return found


def said_twice(score, kind, boxes, shared=0.8):
    """[N, T] -> whether a frame reads in another way the ink that a surer frame, one or two away, reads: their boxes' spans share more
    than `shared` of the narrower one. Without this, frames that disagree about a doubtful character would both be heard."""
    at = torch.arange(score.shape[1], dtype=boxes.dtype)
    left, right = boxes[..., 0] + at, boxes[..., 2] + at
    found = torch.zeros_like(kind, dtype=torch.bool)
    for k in (1, 2):
        pad = torch.zeros_like(score[:, :1]).expand(-1, k)
        for before in (True, False):
            def shift(v):
                return torch.cat([pad.to(v.dtype), v], 1)[:, :score.shape[1]] if before else torch.cat([v, pad.to(v.dtype)], 1)[:, k:]
            common = torch.minimum(right, shift(right)) - torch.maximum(left, shift(left))
            narrow = torch.minimum(right - left, shift(right) - shift(left)).clamp(min=0.5)
            other = shift(kind)
            found = found | ((kind > 0) & (other > 0) & (other != kind) & (shift(score) > score) & (common > shared * narrow))
    return found


def decode(scores):
    """CTC greedy decoding of classes [T] (0 is the blank) -> [(class, frame)], the frame where the run begins."""
    found, last = [], 0
    for t, c in enumerate(scores):
        if c and c != last:
            found.append((int(c), t))
        last = c
    return found
