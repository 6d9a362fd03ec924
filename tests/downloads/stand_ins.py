"""Servers on loopback that speak what the sources speak, and fail when they are told to."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import requests

from nephele.downloads.params import RetryParams

# Long enough for a server on the same machine, short enough for a test.
RETRIES = RetryParams(timeout=3.0, wait=0.01, factor=2.0, longest=0.05, patience=60.0)
IMPATIENT = RetryParams(timeout=0.3, wait=0.01, factor=2.0, longest=0.05, patience=0.8)
TOKEN = "a-token"


@dataclass
class Fault:
    """What goes wrong with the next answers whose path holds `path`.

    Attributes:
        kind: silence, half (the connection breaks), garbled (wrong bytes), or a status.
        times: how often.
    """

    path: str
    kind: str | int
    times: int = 1
    method: str = "GET"


class Server(ThreadingHTTPServer):
    """A server with faults, and a record of what it was asked for."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str, str | None]] = []  # method, path, range
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()

    def fail(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    def fault(self, method: str, path: str) -> str | int | None:
        with self._lock:
            for fault in self._faults:
                if fault.times and fault.path in path and fault.method == method:
                    fault.times -= 1
                    return fault.kind
        return None

    def gets(self, path: str) -> list[str | None]:
        """The ranges of the GETs whose path holds `path`."""
        return [span for method, asked, span in self.asked if method == "GET" and path in asked]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is what tests want."""


class Handler(BaseHTTPRequestHandler):
    """Answers with a body, or fails as the server says."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Not to the test's output."""

    def note(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("Range")))

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        fault = self.server.fault(self.command, self.path)
        if fault == "silence":
            self.server.closing.wait(10)
            self.close_connection = True
            return
        if isinstance(fault, int):
            status, body, headers = fault, b"{}", {"Content-Type": "application/json"}
        if fault == "garbled":
            middle = len(body) // 2
            body = body[:middle] + bytes(255 - byte for byte in body[middle:])
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[: len(body) // 2] if fault == "half" else body)
        if fault == "half":
            self.wfile.flush()
            self.close_connection = True

    def answer_json(self, status: int, value: object) -> None:
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def answer_file(self, body: bytes) -> None:
        """The file, or the rest of it that is asked for."""
        headers = {"Accept-Ranges": "bytes"}
        span = self.headers.get("Range")
        if span is None:
            self.answer(200, body, headers)
            return
        first, _, last = span.removeprefix("bytes=").partition("-")
        end = min(int(last) + 1 if last else len(body), len(body))
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
        self.answer(206, body[int(first) : end], headers)


@contextmanager
def serving(handler: type[Handler]) -> Iterator[Server]:
    """A server that runs while the block does."""
    server = Server(handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def folder_of(root: Path) -> type[Handler]:
    """A web server of the files below `root`."""

    class Files(Handler):
        def do_GET(self) -> None:
            self.note()
            path = root / urlsplit(self.path).path.lstrip("/")
            if path.is_file():
                self.answer_file(path.read_bytes())
            else:
                self.answer(404, b"")

        do_HEAD = do_GET

    return Files


def in_front_of(address: str) -> type[Handler]:
    """What stands between a client and the server at `address`, to fail in its stead."""

    class Between(Handler):
        def do_GET(self) -> None:
            self.note()
            kept = {
                k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")
            }
            reply = requests.request(
                self.command, address + self.path, headers=kept | {"Accept-Encoding": "identity"}
            )
            dropped = ("connection", "transfer-encoding", "date", "server")
            headers = {k: v for k, v in reply.headers.items() if k.lower() not in dropped}
            self.answer(reply.status_code, reply.content, headers)

        do_HEAD = do_GET

    return Between


@dataclass
class Cds:
    """The state of a Climate Data Store: what it delivers, and when it refuses.

    Attributes:
        deliver: the file of a request.
        largest: fields that one request may have.
        refusals: of the next requests: their status and words.
        rejections: of the next jobs: what the store says once they are in its queue.
        polls: how often a job is asked for before it is done.
        checksums: of the next files, in place of their own.
        taken: the requests that it took, and worked on.
    """

    deliver: Callable[[str, dict], bytes]
    largest: int = 1_000_000
    refusals: list[tuple[int, str]] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)
    polls: int = 0
    checksums: list[str] = field(default_factory=list)
    taken: list[tuple[str, dict]] = field(default_factory=list)
    jobs: dict[str, dict] = field(default_factory=dict)


def climate_data_store(cds: Cds) -> type[Handler]:
    """The calls of the store's interface that its client makes (OGC API Processes)."""

    class Store(Handler):
        def do_GET(self) -> None:
            self.note()
            path = urlsplit(self.path).path
            name = path.rpartition("/")[2]
            if "/processes/" in path:
                self.answer_json(200, {"id": name, "links": []})
            elif "/jobs/" in path and path.split("/jobs/")[1].split("/")[0] not in cds.jobs:
                self.answer_json(404, {"title": "job not found"})
            elif name == "results":
                self._results(path.split("/")[-2])
            elif "/jobs/" in path:
                self._status(name)
            elif "/files/" in path:
                self.answer_file(cds.jobs[name.removesuffix(".nc")]["file"])
            else:
                self.answer_json(200, {})  # messages of the day, of which there are none

        do_HEAD = do_GET

        def do_POST(self) -> None:
            self.note()
            inputs = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"]
            if self.headers.get("PRIVATE-TOKEN") != TOKEN:
                self.answer_json(401, {"title": "authentication failed", "detail": "invalid token"})
                return
            if cds.refusals:
                status, words = cds.refusals.pop(0)
                self.answer_json(status, {"title": words})
                return
            lists = ("variable", "pressure_level", "year", "month", "day", "time")
            cost = len(list(product(*(inputs.get(key, [None]) for key in lists))))
            if cost > cds.largest:
                words = "Your request is too large, please reduce your selection."
                self.answer_json(403, {"title": "cost limits exceeded", "detail": words})
                return
            dataset, number = self.path.split("/")[-2], uuid.uuid4().hex
            rejected = cds.rejections.pop(0) if cds.rejections else None
            file = b"" if rejected else cds.deliver(dataset, inputs)
            if not rejected:
                cds.taken.append((dataset, inputs))
            cds.jobs[number] = {"polls": cds.polls, "file": file, "rejected": rejected}
            self.answer_json(201, self._job(number, "accepted"))

        def _job(self, number: str, status: str) -> dict:
            here = f"{self.server.url}/api/retrieve/v1/jobs/{number}"
            links = [{"rel": rel, "href": here} for rel in ("monitor", "self")]
            if status == "successful":
                links.append({"rel": "results", "href": f"{here}/results"})
            return {"jobID": number, "status": status, "links": links, "metadata": {}}

        def _status(self, number: str) -> None:
            job = cds.jobs[number]
            job["polls"] -= 1
            done = "rejected" if job["rejected"] else "successful"
            self.answer_json(200, self._job(number, "running" if job["polls"] >= 0 else done))

        def _results(self, number: str) -> None:
            job = cds.jobs[number]
            if job["rejected"]:
                said = {"title": "The job has been rejected", "traceback": job["rejected"]}
                self.answer_json(400, said)
                return
            own = hashlib.md5(job["file"]).hexdigest()
            value = {
                "href": f"{self.server.url}/files/{number}.nc",
                "type": "application/netcdf",
                "file:size": len(job["file"]),
                "file:checksum": cds.checksums.pop(0) if cds.checksums else own,
            }
            self.answer_json(200, {"asset": {"value": value}})

    return Store
