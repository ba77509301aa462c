"""Asks a server of the Open Inference Protocol, as Triton's users do, and prints what it says as JSON.

usage: triton_client.py HOST:PORT MODEL CSV
"""

import json
import sys

import numpy
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

url, model, csv = sys.argv[1:]
client = InferenceServerClient(url)
values = numpy.loadtxt(csv, skiprows=1).reshape(-1, 1)


def series(numbers, datatype="FP64", binary=True):
    tensor = InferInput("series", list(numbers.shape), datatype)
    tensor.set_data_from_numpy(numbers, binary_data=binary)
    return tensor


def wanted(*names, binary):
    return [InferRequestedOutput(name, binary_data=binary) for name in names]


def summary(result):
    error, is_anomaly = result.as_numpy("error"), result.as_numpy("isAnomaly")
    return {
        "points": len(error),
        "largest": int(error.argmax()),
        "anomalous": int(is_anomaly.sum()),
        "types": [str(error.dtype), str(is_anomaly.dtype)],
        "sum": float(error.astype(numpy.float64).sum()),
    }


def failure(call):
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]


names = ("error", "isAnomaly")
everything = client.infer(model, [series(values)])
gap = values.copy()
gap[100:120] = numpy.nan
answers = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "modelReady": client.is_model_ready(model),
    "versionReady": client.is_model_ready(model, "1"),
    "unknownReady": client.is_model_ready("nobody"),
    "server": client.get_server_metadata(),
    "metadata": client.get_model_metadata(model, "1"),
    "all": summary(everything),
    "outputs": [output["name"] for output in everything.get_response()["outputs"]],
    "binary": summary(client.infer(model, [series(values)], "1", outputs=wanted(*names, binary=True), request_id="7")),
    "json": summary(client.infer(model, [series(values, binary=False)], outputs=wanted(*names, binary=False))),
    "mixed": summary(
        client.infer(
            model,
            [series(values)],
            outputs=wanted("error", binary=False) + wanted("isAnomaly", binary=True),
        )
    ),
    "floats": summary(client.infer(model, [series(values.astype(numpy.float32), "FP32")])),
    "gap": client.infer(model, [series(gap)]).get_response()["parameters"],
    "options": client.infer(model, [series(values)], parameters={"percentile": 95, "margin": 2}).get_response(),
    "unknownModel": failure(lambda: client.infer("nobody", [series(values)])),
    "unknownVersion": failure(lambda: client.infer(model, [series(values)], "9")),
    "wrongShape": failure(lambda: client.infer(model, [series(values.reshape(-1, 2))])),
    "wrongOption": failure(lambda: client.infer(model, [series(values)], parameters={"percentil": 1})),
    "tooShort": failure(lambda: client.infer(model, [series(values[:3])])),
    "compressed": failure(
        lambda: client.infer(model, [series(values)], request_compression_algorithm="gzip")
    ),
}
json.dump(answers, sys.stdout)
