"""Runs ONNX models for the recipes: with Python's onnxruntime where it is installed, else through the Go program in
teacher/ (`go build -o BIN ./models/training/teacher`; COURTSENSE_TEACHER names BIN, default `go run`)."""
import json
import os
import pathlib
import subprocess
import time

import numpy as np

try:
    import onnxruntime
except ImportError:
    onnxruntime = None


class Session:
    """One model. `run({name: array})` returns `{name: float32 array}`; `elapsed` is the last run's seconds inside the runtime."""

    def __init__(self, path, threads=1):
        self.elapsed = 0.0
        self._process = self._session = None
        if onnxruntime is not None:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            return
        binary = os.environ.get("COURTSENSE_TEACHER")
        command = [binary] if binary else ["go", "run", "./models/training/teacher"]
        root = pathlib.Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(command + ["-threads", str(threads), str(pathlib.Path(path).resolve())], cwd=root,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, inputs):
        inputs = {k: np.ascontiguousarray(v) for k, v in inputs.items()}
        if self._session is not None:
            names = [o.name for o in self._session.get_outputs()]
            start = time.perf_counter()
            values = self._session.run(names, inputs)
            self.elapsed = time.perf_counter() - start
            return dict(zip(names, values))
        header = {"tensors": [{"name": k, "type": str(v.dtype), "shape": list(v.shape)} for k, v in inputs.items()]}
        pipe = self._process.stdin
        pipe.write(json.dumps(header).encode() + b"\n")
        for value in inputs.values():
            pipe.write(value.tobytes())
        pipe.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the teacher program ended; its message is above")
        answer = json.loads(line)
        if answer.get("error"):
            raise RuntimeError(answer["error"])
        self.elapsed = answer["elapsed_ns"] / 1e9
        outputs = {}
        for t in answer["tensors"]:
            count = int(np.prod(t["shape"]))
            outputs[t["name"]] = np.frombuffer(self._process.stdout.read(4 * count), np.float32).reshape(t["shape"])
        return outputs

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
