"""The service that one would write in Python for the same model file: the peer of npm run bench.

usage: MODEL_PATH=model/ecg/1/model.onnx CHUNK_POINTS=100000 uvicorn service:app   (called by bench/speed/peer.ts)

CHUNK_POINTS=0 scores a series of any length in one run.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
import orjson
import pandas as pd
from fastapi import FastAPI, Form, Header, Response, UploadFile

MODEL_PATH = os.environ.get("MODEL_PATH", "model/ecg/1/model.onnx")
CHUNK_POINTS = int(os.environ.get("CHUNK_POINTS", "0"))
OUTPUTS = ["error", "column_error", "expected"]
SHA256 = hashlib.sha256(Path(MODEL_PATH).read_bytes()).hexdigest()

session = onnxruntime.InferenceSession(MODEL_PATH)
metadata = json.loads(session.get_modelmeta().custom_metadata_map["ae-ano-detection"])
columns = [column["name"] for column in metadata["columns"]]
calibration = metadata["calibration"]
percentile = metadata["defaults"]["percentile"]
margin = metadata["defaults"]["margin"]
threshold = margin * float(np.interp(percentile, calibration["percentiles"], calibration["errors"]))

app = FastAPI()


@app.get("/health/ready")
def ready():
    return {"status": "ready"}


@app.post("/compute")
def compute(text: UploadFile, points: bool = Form(True), accept: str = Header("application/json")):
    frame = pd.read_csv(text.file)
    values = frame[columns].to_numpy(np.float64)
    error, column_error, expected = score_points(values)
    score = error / threshold
    is_anomaly = error > threshold
    if "text/csv" in accept:
        return scored_csv(frame, expected, error, score, is_anomaly)
    report = {
        "model": {"name": metadata["name"], "version": metadata["version"], "sha256": SHA256},
        "columns": columns,
        "length": len(frame),
        "percentile": percentile,
        "margin": margin,
        "threshold": threshold,
        "anomalousPoints": int(is_anomaly.sum()),
        "anomalies": intervals(values, error, column_error, expected, is_anomaly),
    }
    if points:
        expected_values = expected[:, 0] if len(columns) == 1 else expected
        report |= {"error": error, "score": score, "isAnomaly": is_anomaly, "expectedValues": expected_values}
    return Response(orjson.dumps(report, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def score_points(values):
    if CHUNK_POINTS == 0 or len(values) <= CHUNK_POINTS:
        return session.run(OUTPUTS, {"series": values})
    context, alignment = metadata["context"], metadata["alignment"]
    chunks = []
    for start in range(0, len(values), CHUNK_POINTS):
        first = max(0, (start - context) // alignment * alignment)
        outputs = session.run(OUTPUTS, {"series": values[first : start + CHUNK_POINTS + context]})
        chunks.append([output[start - first : start - first + CHUNK_POINTS] for output in outputs])
    return [np.concatenate(output) for output in zip(*chunks)]


def scored_csv(frame, expected, error, score, is_anomaly):
    names = ["expected"] if len(columns) == 1 else [f"expected_{name}" for name in columns]
    for name, values in zip(names, expected.T):
        frame[name] = values
    frame["error"], frame["score"], frame["isAnomaly"] = error, score, is_anomaly
    return Response(frame.to_csv(index=False), media_type="text/csv")


def intervals(values, error, column_error, expected, is_anomaly):
    edges = np.flatnonzero(np.diff(is_anomaly.astype(np.int8), prepend=0, append=0))
    return [
        describe(start, end, values[start:end], error[start:end], column_error[start:end], expected[start:end])
        for start, end in edges.reshape(-1, 2).tolist()
    ]


def describe(start, end, values, error, column_error, expected):
    peak = int(error.argmax())
    sums = column_error.sum(axis=0)
    order = np.argsort(-sums)
    difference = (values - expected)[:, order[0]]
    return {
        "start": start,
        "end": end - 1,
        "peak": start + peak,
        "error": float(error[peak]),
        "score": float(error[peak]) / threshold,
        "rank": float(np.interp(error[peak], calibration["errors"], calibration["percentiles"])) / 100,
        "columns": [{"column": columns[j], "share": float(sums[j] / sums.sum())} for j in order],
        "deviation": float(difference[np.abs(difference).argmax()]),
    }
