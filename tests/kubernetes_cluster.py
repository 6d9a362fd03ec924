"""A test helper: a Kubernetes API that has one pod, and Kubeflow's trainer, its nodes as processes.

What the trainer tells the nodes of a torch runtime are the variables that torchrun reads: how many
there are, which one each is, and where they meet. Pods, claims and images are not looked at.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

NAMESPACE, POD = "kubeflow", "nephele-run-system-container-impl-1"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods/{POD}"
JOBS = f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{NAMESPACE}/trainjobs"


class Cluster:
    """One pod, and the jobs that were asked for.

    Attributes:
        jobs: name → manifest, as it came.
        deleted: names of jobs that were taken back.
        refuses: whether the service account may do nothing.
        idle: whether nodes stay without work.
        fails: how many questions for a job it answers with an error of its own.
    """

    def __init__(self, pod: dict) -> None:
        self.pod = pod
        self.jobs: dict[str, dict] = {}
        self.nodes: dict[str, list[subprocess.Popen]] = {}
        self.deleted: list[str] = []
        self.refuses = self.idle = False
        self.fails = 0

    def create(self, job: dict) -> None:
        known = TrainerV1alpha1TrainJob.from_dict(job).to_dict()
        assert known == job, "a server would drop what it does not know"
        name = job["metadata"]["name"]
        self.jobs[name] = job
        self.nodes[name] = [] if self.idle else started(job["spec"]["trainer"])

    def status(self, name: str) -> dict:
        codes = [node.poll() for node in self.nodes[name]]
        if not codes or None in codes:
            return {"conditions": []}
        kind = "Failed" if any(codes) else "Complete"
        message = f"nodes ended with {codes}"
        return {"conditions": [{"type": kind, "status": "True", "message": message}]}

    def delete(self, name: str) -> None:
        self.deleted.append(name)
        for node in self.nodes[name]:
            node.terminate()


def started(trainer: dict) -> list[subprocess.Popen]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [word.replace("$$(", "$(") for word in (*trainer["command"], *trainer["args"])]
    given = {each["name"]: each["value"] for each in trainer["env"] if "value" in each}
    meeting = {
        "PET_NNODES": str(trainer["numNodes"]),
        "PET_NPROC_PER_NODE": str(trainer["numProcPerNode"]),
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(port),
    }
    return [
        subprocess.Popen(
            [sys.executable, *command[1:]],
            env=os.environ | given | meeting | {"PET_NODE_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
        )
        for rank in range(trainer["numNodes"])
    ]


@contextmanager
def running(pod: dict, kubeconfig: Path) -> Iterator[Cluster]:
    """A cluster that clients find by the file `kubeconfig`."""
    cluster = Cluster(pod)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if cluster.refuses:
                self.answer({"kind": "Status", "reason": "Forbidden"}, 403)
            elif self.path == PODS:
                self.answer(cluster.pod)
            elif cluster.fails:
                cluster.fails -= 1
                self.answer({"kind": "Status", "reason": "InternalError"}, 503)
            else:
                name = self.path.removeprefix(f"{JOBS}/")
                self.answer(cluster.jobs[name] | {"status": cluster.status(name)})

        def do_POST(self) -> None:
            assert self.path.split("?")[0] == JOBS
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cluster.create(job)
            self.answer(job, 201)

        def do_DELETE(self) -> None:
            cluster.delete(self.path.split("?")[0].removeprefix(f"{JOBS}/"))
            self.answer({"kind": "Status", "status": "Success"})

        def answer(self, body: dict, code: int = 200) -> None:
            text = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": {"server": address}}],
                "users": [{"name": "test", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
        )
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        for node in (node for nodes in cluster.nodes.values() for node in nodes):
            node.kill()
