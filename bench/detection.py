"""Scores the peers on the files that the command line has scored and prints one table.

usage: detection.py [--ours-only] OUTPUT NAME...   (called by series.ts)

UCR accuracy: the largest score lies within 100 points of the anomaly (Wu and Keogh, 2021).
VUS-PR: as TSB-AD 1.5 computes it (Liu and Paparrizos, 2024), window from the autocorrelation of the test series.
False alarms: the share of points farther than 100 from the anomaly that are flagged at the default
threshold; peers have no threshold of their own, so theirs is 1.5 times the 99th percentile of their
scores on the training series.
"""

import argparse
import json
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import stumpy  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.ensemble import IsolationForest  # noqa: E402
from sklearn.neural_network import MLPRegressor  # noqa: E402
from TSB_AD.evaluation.basic_metrics import generate_curve  # noqa: E402
from TSB_AD.utils.slidingWindows import find_length_rank  # noqa: E402

TOLERANCE = 100
DENSE_WINDOWS = 16_384  # as many as ours is fitted to


def window_of(train):
    """The period of the training series, as TSB-AD finds it."""
    return int(np.clip(find_length_rank(train.reshape(-1, 1), rank=1), 10, len(train) // 8))


def windows(x, w):
    return np.lib.stride_tricks.sliding_window_view(x, w)


def per_point(scores, w):
    """The mean over the windows that cover a point."""
    sums = np.convolve(scores, np.ones(w))
    return sums / np.convolve(np.ones(len(scores)), np.ones(w))


def matrix_profile(train, test):
    """Distance of each z-normalised subsequence to the nearest of the training series."""
    w = window_of(train)
    return tuple(per_point(p, w) for p in (stumpy.stump(train, w)[:, 0].astype(float),
                 stumpy.stump(test, w, train, ignore_trivial=False)[:, 0].astype(float)))


def sub_pca(train, test):
    """What is left of a window beyond the components that hold 90 % of the variance."""
    w = window_of(train)
    mean, scale = train.mean(), train.std() or 1
    a, b = (windows((x - mean) / scale, w) for x in (train, test))
    pca = PCA(0.9, svd_solver="full").fit(a)
    residual = lambda m: ((m - pca.inverse_transform(pca.transform(m))) ** 2).mean(1)
    return per_point(residual(a), w), per_point(residual(b), w)


def isolation_forest(train, test):
    w = window_of(train)
    forest = IsolationForest(random_state=1).fit(windows(train, w))
    return tuple(per_point(-forest.score_samples(windows(x, w)), w) for x in (train, test))


def dense_autoencoder(train, test):
    """A plain dense autoencoder on windows, 128-32-128, trained by gradients (Adam) for at most 50 passes."""
    w = window_of(train)
    mean, scale = train.mean(), train.std() or 1
    a, b = (windows((x - mean) / scale, w) for x in (train, test))
    fitted = a[:: max(1, len(a) // DENSE_WINDOWS)]
    network = MLPRegressor(hidden_layer_sizes=(128, 32, 128), max_iter=50, random_state=1).fit(fitted, fitted)
    return tuple(per_point(((network.predict(m) - m) ** 2).mean(1), w) for m in (a, b))


def one_value_autoencoder(train, test):
    """An autoencoder that sees one value at a time, as the service that this project replaces."""
    mean, scale = train.mean(), train.std() or 1
    a, b = (((x - mean) / scale).reshape(-1, 1) for x in (train, test))
    network = MLPRegressor(hidden_layer_sizes=(32, 16, 8, 16, 32), max_iter=20, random_state=1).fit(a, a[:, 0])
    return tuple((network.predict(x) - x[:, 0]) ** 2 for x in (a, b))


PEERS = {
    "matrix profile": matrix_profile,
    "dense autoencoder": dense_autoencoder,
    "Sub-PCA": sub_pca,
    "isolation forest": isolation_forest,
    "one-value autoencoder": one_value_autoencoder,
}


def load(output, name):
    collection, series = name.split("/")
    if collection == "ucr":
        train, test = (pd.read_csv(f"bench/data/ucr/{series}.{part}.csv")["value"] for part in ("train", "test"))
        first, last = json.load(open("bench/data/ucr/labels.json"))[series]["anomaly"]
        labels = np.zeros(len(test), int)
        labels[first : last + 1] = 1
        return train.to_numpy(float), test.to_numpy(float), labels
    train, test = (pd.read_csv(f"{output}/{name}/{part}.csv") for part in ("train", "test"))
    labels = np.zeros(len(test), int)
    times = pd.to_datetime(test["timestamp"])
    for first, last in json.load(open("bench/data/nab/labels.json"))[f"{series}.csv"]:
        labels[(times >= first) & (times <= last)] = 1
    return train["value"].to_numpy(float), test["value"].to_numpy(float), labels


def measure(labels, test, score, flagged):
    window = find_length_rank(test.reshape(-1, 1), rank=1)
    near = np.convolve(labels, np.ones(2 * TOLERANCE + 1), "same") > 0
    return {
        "accuracy": bool(near[int(np.argmax(score))]),
        "vus": float(generate_curve(labels, score, window, "opt", 250)[-1]),
        "alarms": float(flagged[~near].mean()),
        "outside": float(flagged[labels == 0].mean()),
        "found": bool(flagged[labels == 1].any()),
    }


def task(arguments):
    output, name, peers = arguments
    train, test, labels = load(output, name)
    ours = pd.read_csv(f"{output}/{name}/scores.csv")
    timing = json.load(open(f"{output}/timings.json"))[name]
    rows = {"ae-ano-detection": measure(labels, test, ours["score"].to_numpy(), ours["isAnomaly"].to_numpy(bool))}
    rows["ae-ano-detection"]["seconds"] = timing["train"] + timing["detect"]
    for peer, method in peers.items():
        started = time.perf_counter()
        normal, score = method(train, test)
        seconds = time.perf_counter() - started
        rows[peer] = measure(labels, test, score, score > 1.5 * np.quantile(normal, 0.99))
        rows[peer]["seconds"] = seconds
    return name, rows


def table(results, collection, peers):
    names = [name for name in results if name.startswith(collection)]
    if not names:
        return
    print(f"\n{collection}: {len(names)} series\n")
    print("| method | UCR accuracy | VUS-PR | false alarms, mean / median | anomaly flagged | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method in ["ae-ano-detection", *peers]:
        column = lambda key: [results[name][method][key] for name in names]
        print(
            f"| {method} | {np.mean(column('accuracy')):.2f} | {np.mean(column('vus')):.2f} "
            f"| {100 * np.mean(column('alarms')):.2f} % / {100 * np.median(column('alarms')):.2f} % "
            f"| {100 * np.mean(column('found')):.0f} % | {np.sum(column('seconds')):.0f} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("output")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    peers = {} if options.ours_only else PEERS
    with ProcessPoolExecutor() as pool:
        results = dict(pool.map(task, [(options.output, name, peers) for name in options.names]))
    json.dump(results, open(f"{options.output}/results.json", "w"), indent=1)
    for collection in ("ucr", "nab"):
        table(results, collection, peers)
