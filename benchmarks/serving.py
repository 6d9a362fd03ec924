"""How long a served student takes to answer, and how many requests a second it answers.

    mlflow models serve -m models:/nephele-student@champion --env-manager local --port 8080
    python benchmarks/serving.py --server http://127.0.0.1:8080

Prints a Markdown table; each time is the median over the requests, with the range of them.
"""

import argparse
import json
import os
import statistics
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np

CASES = ((1, 8, 1), (1, 16, 1), (4, 8, 1), (1, 8, 2))  # samples, members, clients at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="http://127.0.0.1:8080")
    parser.add_argument("--requests", type=int, default=8, help="of each kind")
    parser.add_argument("--size", type=int, default=128, help="cells along a side of the frames")
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, shared by server and clients\n")
    print(
        "| samples × members | clients | median, s | least to most, s | requests/s | answer, MB |"
    )
    print("|---|---|---|---|---|---|")
    answer(options.server, 1, 1, options.size)  # the first is slower: kernels are chosen
    for samples, members, clients in CASES:
        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            asked = [
                pool.submit(answer, options.server, samples, members, options.size)
                for _ in range(options.requests)
            ]
            seconds, sizes = zip(*(one.result() for one in asked), strict=True)
        rate = options.requests / (time.perf_counter() - started)
        print(
            f"| {samples} × {members} | {clients} | {statistics.median(seconds):.2f} | "
            f"{min(seconds):.2f} to {max(seconds):.2f} | {rate:.2f} | {max(sizes) / 1e6:.1f} |",
            flush=True,
        )


def answer(server: str, samples: int, members: int, size: int) -> tuple[float, int]:
    """Seconds from the request to the last byte of the answer, and its bytes."""
    smooth = 260 + 30 * np.sin(np.linspace(0, 20, samples * 4 * size * size))
    history = smooth.reshape(samples, 4, size, size).round(2).tolist()
    body = json.dumps({"inputs": {"history": history}, "params": {"members": members}}).encode()
    request = urllib.request.Request(
        f"{server}/invocations", body, {"Content-Type": "application/json"}
    )
    started = time.perf_counter()
    with urllib.request.urlopen(request) as stream:
        answered = stream.read()
    return time.perf_counter() - started, len(answered)


if __name__ == "__main__":
    main()
