"""Measures a face detector beside its teacher, in one harness, on people that training never saw.

python3 models/training/face/detect/evaluate.py --onnx face-detect.onnx --teacher yunet_n_dynamic.onnx --dev DIR [--documents DIR] [--portrait FILE]
    [--pairs pairs.csv --embedding mobilefacenet.onnx]

DIR holds what data.py wrote for the held-out pictures (lfw-dev.tar). Printed: on those pictures at several sizes, how often the
teacher's main face is found (IoU above .5) and how far the landmarks are, in eye distances; on mosaics of them, average precision
and recall by face size; on pictures without faces (rendered pages, textures, and --documents), false alarms; and the time a run takes.
"""
import argparse
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))
from data import detect, overlap, pad
from mosaic import SMALLEST, Faces, sample, scrap, text, texture
from runtime import Session

THRESHOLDS = (0.4, 0.5, 0.6, 0.7)
FONTS = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
PROSE = ("原告与被告签订买卖合同，约定被告于二〇二四年六月三十日前支付全部货款。本院认为，依法成立的合同，对当事人具有法律约束力。"
         "The parties agree that this contract is governed by the law of the place where it was signed. ")


def eye_distance(rows):
    return np.linalg.norm(rows[..., 5:7] - rows[..., 7:9], axis=-1)


def main_faces(models, faces, scale, count):
    """Main face of each of the first `count` pictures: recall at THRESHOLDS and landmark error in eye distances. The truth is the
    teacher's surer finding at scales 1 and 2."""
    pictures = np.asarray(faces.pictures[:count])
    truth = [faces.main(i) for i in range(len(pictures))]
    for name, session in models.items():
        found = detect(session, pictures, least=0.3, scale=scale)
        score, error, extra = np.zeros(len(pictures)), [], np.zeros(len(THRESHOLDS))
        for i, rows in enumerate(found):
            hit = [r for r in rows if overlap(r[1:5], truth[i][1:5]) > 0.5]
            if hit:
                score[i] = hit[0][0]
                gap = np.linalg.norm((hit[0][5:] - truth[i][5:]).reshape(5, 2), axis=1)
                error.append(gap.mean() / eye_distance(truth[i]))
            # A detection is extra where not even a doubtful finding of the teacher (score above .3) lies under it.
            stray = [r[0] for r in rows if not any(overlap(r[1:5], t[1:5]) > 0.3 for t in faces.faces[i])]
            extra += [sum(s > t for s in stray) for t in THRESHOLDS]
        recall = "/".join(f"{100 * np.mean(score > t):.2f}" for t in THRESHOLDS)
        stray = "/".join(f"{100 * e / len(pictures):.2f}" for e in extra)
        print(f"  {len(pictures)} pictures, scale {scale}, {name}: found {recall} %, landmark error mean {np.mean(error):.4f} p95 {np.percentile(error, 95):.4f}, "
              f"extra per 100 pictures {stray}", flush=True)


def mosaics(models, faces, count, seed):
    """Average precision and recall by size on held-out mosaics; faces marked as left alone count neither way."""
    drawn = [sample(faces, np.random.default_rng([seed, i])) for i in range(count)]
    pictures = np.stack([d[0] for d in drawn])
    buckets = ((SMALLEST, 16), (16, 32), (32, 64), (64, 128), (128, 400))
    for name, session in models.items():
        hits, misses, sizes = [], 0, []
        for rows, (_, targets) in zip(detect(session, pictures, least=0.05), drawn):
            box = np.concatenate([targets[:, :2], targets[:, 2:4] - targets[:, :2]], 1)
            state = targets[:, 15]
            taken, best = np.zeros(len(targets), bool), np.zeros(len(targets))
            for row in rows:
                iou = overlap(row[1:5], box)
                ranked = [k for k in np.argsort(-iou) if iou[k] > 0.5 and state[k] == 1 and not taken[k]]
                if ranked:
                    taken[ranked[0]], best[ranked[0]] = True, row[0]
                    hits.append((row[0], 1))
                elif not np.any((iou > 0.3) & (state == 0)):
                    hits.append((row[0], 0))
            for k in np.flatnonzero(state == 1):
                sizes.append((np.sqrt(box[k, 2] * box[k, 3]), best[k]))
        hits, sizes = np.array(sorted(hits, reverse=True)), np.array(sizes)
        right = np.cumsum(hits[:, 1])
        precision, recall = right / np.arange(1, len(hits) + 1), right / len(sizes)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        average = np.sum(np.diff(np.concatenate([[0], recall])) * envelope)
        parts = "  ".join(f"{a}-{b} px {100 * np.mean(sizes[(sizes[:, 0] >= a) & (sizes[:, 0] < b), 1] > 0.5):.1f}" for a, b in buckets)
        strict = "/".join(f"{100 * np.mean(sizes[:, 1] > t):.1f} % at {100 * (1 - hits[hits[:, 0] > t, 1].mean()):.1f} % false" for t in THRESHOLDS)
        print(f"  {name}: AP {average:.4f}, recall {strict}; by size at .5: {parts} ({len(sizes)} faces)", flush=True)


def page(rng, width=640, height=640):
    """A rendered page of prose, 12 to 60 px type."""
    picture = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(215, 256, 3)))
    draw, size = ImageDraw.Draw(picture), int(rng.integers(12, 60))
    path = FONTS[int(rng.integers(2))]
    font = ImageFont.truetype(path, size)
    for y in range(10, height, int(size * rng.uniform(1.3, 2))):
        start = int(rng.integers(len(PROSE)))
        draw.text((int(rng.integers(5, 40)), y), (PROSE + PROSE)[start:start + 80], fill=tuple(int(v) for v in rng.integers(0, 90, 3)), font=font)
    return np.asarray(picture)[:, :, ::-1].copy()


def false_alarms(models, kinds):
    """False alarms per 100 pictures at THRESHOLDS, for named sets of pictures without faces."""
    for kind, pictures in kinds.items():
        for name, session in models.items():
            rows = [detect(session, p[None], least=0.3)[0] for p in pictures]
            counts = "/".join(f"{100 * sum((r[:, 0] > t).sum() for r in rows) / len(pictures):.1f}" for t in THRESHOLDS)
            print(f"  {kind} ({len(pictures)}) {name}: {counts}", flush=True)


# Where ArcFace's 112x112 alignment puts right eye, left eye, nose, right and left mouth corner.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32)


def verification(models, faces, names, pairs, embedding):
    """Same or different person for the listed pairs, by one embedding aligned with each detector's landmarks: best accuracy and the
    area under the ROC curve. What a landmark error costs in the end."""
    lines = [line.split(",") for line in pairs.read_text().split()[1:]]
    index = {name: i for i, name in enumerate(names)}
    pictures = np.asarray(faces.pictures)
    for name, session in models.items():
        vectors = []
        for picture, rows in zip(pictures, detect(session, pictures)):
            central = min(rows, key=lambda r: np.abs(r[1:3] + r[3:5] / 2 - 125).sum()) if len(rows) else None
            points = TEMPLATE + 69 if central is None else central[5:].reshape(5, 2)
            warp, _ = cv2.estimateAffinePartial2D(points, TEMPLATE, method=cv2.LMEDS)
            face = cv2.warpAffine(picture, warp, (112, 112))[:, :, ::-1] / 255
            x = ((face - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)).transpose(2, 0, 1)[None].astype(np.float32)
            vector = next(iter(embedding.run({"input0": x}).values()))[0]
            vectors.append(vector / np.linalg.norm(vector))
        score = np.array([vectors[index[a]] @ vectors[index[b]] for a, b, _ in lines])
        same = np.array([flag in ("1", "true", "True") for _, _, flag in lines])
        accuracy = max(np.mean((score > t) == same) for t in np.unique(score))
        ahead = np.mean(score[same][:, None] > score[~same][None])
        print(f"  {name}: {len(lines)} pairs, best accuracy {100 * accuracy:.2f} %, area {ahead:.4f}", flush=True)


def speed(models, size, runs=40):
    x = np.random.default_rng(0).uniform(0, 255, (1, 3, size, size)).astype(np.float32)
    spent = {name: [] for name in models}
    for _ in range(runs):
        for name, session in models.items():
            session.run({"input": x})
            spent[name].append(1000 * session.elapsed)
    print(f"  {size}x{size}: " + ", ".join(f"{name} median {np.median(v):.2f} ms, least {min(v):.2f} ms" for name, v in spent.items()))


def neighbours(session, pictures):
    """The largest difference that the neighbours in a batch make to any output."""
    x = pad(pictures)
    together = session.run({"input": x})
    alone = [session.run({"input": x[i:i + 1]}) for i in range(len(x))]
    return max(np.abs(together[k][i] - alone[i][k][0]).max() for k in together for i in range(len(x)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--teacher", type=pathlib.Path, required=True)
    parser.add_argument("--dev", type=pathlib.Path, required=True)
    parser.add_argument("--documents", type=pathlib.Path, help="folder of pictures without faces")
    parser.add_argument("--portrait", type=pathlib.Path, help="one picture to show the detections of")
    parser.add_argument("--pairs", type=pathlib.Path, help="pairs.csv of the held-out pictures: left,right,same")
    parser.add_argument("--embedding", type=pathlib.Path, help="face embedding for --pairs: input0 [1,3,112,112] RGB, ImageNet mean and deviation")
    parser.add_argument("--mosaics", type=int, default=400)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    models = {"student": Session(args.onnx), "teacher": Session(args.teacher)}
    faces = Faces(args.dev)
    print(f"main face, at score above {THRESHOLDS}:")
    for scale, count in ((1.0, len(faces.pictures)), (2.0, 400), (0.4, 400), (0.2, 400)):
        main_faces(models, faces, scale, count)
    print(f"{args.mosaics} mosaics of those people:")
    mosaics(models, faces, args.mosaics, 99)
    print(f"false alarms per 100 pictures, at score above {THRESHOLDS}:")
    rng = np.random.default_rng(11)
    kinds = {"rendered pages 640x640": [page(rng) for _ in range(100)], "drawn strokes": [text(rng) for _ in range(100)],
             "textures": [texture(rng, 320) for _ in range(100)], "faceless parts of photographs": [scrap(faces, rng) for _ in range(100)]}
    if args.documents:
        found = [cv2.imread(str(f)) for f in sorted(args.documents.iterdir())]
        kinds["documents"] = [cv2.resize(p, None, fx=s, fy=s) for p in found if p is not None for s in (min(1, 1280 / max(p.shape)),)]
    false_alarms(models, kinds)
    print(f"neighbours in a batch change an output by at most {neighbours(models['student'], np.asarray(faces.pictures[:4])):.2e}")
    print("time of one run, one thread, the models by turns:")
    for size in (320, 640):
        speed(models, size)
    if args.pairs:
        print("verification with one embedding and each detector's landmarks:")
        verification(models, faces, (args.dev / "names.txt").read_text().split(), args.pairs, Session(args.embedding))
    if args.portrait:
        for name, session in models.items():
            for row in detect(session, cv2.imread(str(args.portrait))[None])[0]:
                print(f"portrait, {name}: score {row[0]:.3f} box {np.round(row[1:5]).astype(int)} landmarks {np.round(row[5:]).astype(int)}")


if __name__ == "__main__":
    main()
