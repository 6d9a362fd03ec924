"""A test helper: a loopback server with the v2beta1 calls that kfp.Client makes.

It keeps what it is given in memory, refuses what a Kubeflow Pipelines server refuses, with its
codes, and runs what is submitted by tests/kubeflow_executor.py. No other client is meant.
"""

import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2
from kubeflow_executor import Execution, Executor

API = "/apis/v2beta1"
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
INVALID, MISSING, EXISTS = (400, 3), (404, 5), (409, 6)  # HTTP status and gRPC code


class Refused(Exception):
    """What the server does not do."""

    def __init__(self, kind: tuple[int, int], message: str) -> None:
        super().__init__(message)
        self.status, self.code = kind


def parse(text: str) -> tuple[pipeline_spec_pb2.PipelineSpec, dict[str, dict]]:
    """A compiled file: the pipeline, and what the platform adds to its executors.

    Raises:
        Refused: it is not valid, by the protos and by what they refer to.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document]
        (spec,) = [document for document in documents if "pipelineInfo" in document]
        platforms = [document for document in documents if "platforms" in document]
        parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
        for document in platforms:
            json_format.ParseDict(document, pipeline_spec_pb2.PlatformSpec())
        platform = platforms[0]["platforms"]["kubernetes"] if platforms else {}
        added = platform.get("deploymentSpec", {}).get("executors", {})
        for settings in added.values():
            json_format.ParseDict(
                settings, kubernetes_executor_config_pb2.KubernetesExecutorConfig()
            )
    except (ValueError, KeyError, yaml.YAMLError, json_format.ParseError) as error:
        raise Refused(INVALID, f"invalid v2 pipeline spec: {error}") from None
    if parsed.schema_version != "2.1.0":
        raise Refused(INVALID, f"only schema version 2.1.0, not {parsed.schema_version}")
    if not NAME.fullmatch(parsed.pipeline_info.name):
        raise Refused(INVALID, "invalid v2 pipeline spec: name should consist of lower case ...")
    if not parsed.HasField("root"):
        raise Refused(INVALID, "invalid v2 pipeline spec: root component is empty")
    executors = set(parsed.deployment_spec["executors"])
    for task in parsed.root.dag.tasks.values():
        component = parsed.components.get(task.component_ref.name)
        if component is None or component.executor_label not in executors:
            raise Refused(INVALID, f"nothing executes {task.component_ref.name}")
    if unknown := added.keys() - executors:
        raise Refused(INVALID, f"the platform spec has unknown executors {unknown}")
    return parsed, added


class Kubeflow:
    """What the server knows. All objects are as the API gives them: JSON with snake_case keys."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.pipelines: dict[str, dict] = {}
        self.versions: dict[str, dict] = {}
        self.files: dict[str, str] = {}
        self.experiments: dict[str, dict] = {}
        self.runs: dict[str, dict] = {}
        self.executions: dict[str, dict[str, Execution]] = {}
        self.threads: list[threading.Thread] = []

    def create_pipeline(self, body: dict) -> dict:
        if any(_same_name(body, known) for known in self.pipelines.values()):
            raise Refused(EXISTS, f"pipeline {body['display_name']} exists")
        return _keep(self.pipelines, "pipeline_id", body | {"name": body["display_name"]})

    def upload_version(self, pipeline: str, name: str, text: str) -> dict:
        if pipeline not in self.pipelines:
            raise Refused(MISSING, f"pipeline {pipeline} not found")
        given = {"pipeline_id": pipeline, "display_name": name, "name": name}
        others = (known for known in self.versions.values() if known["pipeline_id"] == pipeline)
        if any(_same_name(given, known) for known in others):
            raise Refused(EXISTS, f"version {name} exists")
        parse(text)
        kept = _keep(self.versions, "pipeline_version_id", given)
        self.files[kept["pipeline_version_id"]] = text
        return kept

    def create_experiment(self, body: dict) -> dict:
        return _keep(self.experiments, "experiment_id", body)

    def create_run(self, body: dict) -> dict:
        if body.get("experiment_id") not in self.experiments:
            raise Refused(MISSING, f"experiment {body.get('experiment_id')} not found")
        version = body["pipeline_version_reference"]["pipeline_version_id"]
        if version not in self.files:
            raise Refused(MISSING, f"pipeline version {version} not found")
        spec, platform = parse(self.files[version])
        parameters = _parameters(spec, body.get("runtime_config", {}).get("parameters", {}))
        run = _keep(self.runs, "run_id", body | {"state": "PENDING"})
        self.executions[run["run_id"]] = {}
        job = (run, spec, platform, parameters)
        self.threads.append(threading.Thread(target=self._run, args=job))
        self.threads[-1].start()
        return run

    def _run(self, run: dict, spec, platform: dict, parameters: dict) -> None:
        tasks = self.executions[run["run_id"]]

        def changed(task: Execution) -> None:
            tasks[task.name] = task
            details = [{"display_name": name, "state": task.state} for name, task in tasks.items()]
            run["run_details"] = {"task_details": details}

        run["state"] = "RUNNING"
        self.executor.run(spec, platform, parameters, run["run_id"], changed)
        states = {task.state for task in tasks.values()}
        run["state"] = "FAILED" if "FAILED" in states else "SUCCEEDED"


def _same_name(one: dict, other: dict) -> bool:
    return one["display_name"] == other["display_name"]


def _keep(known: dict[str, dict], key: str, body: dict) -> dict:
    identity = str(uuid.uuid4())
    known[identity] = body | {key: identity}
    return known[identity]


def _parameters(spec: pipeline_spec_pb2.PipelineSpec, given: dict) -> dict:
    wanted = spec.root.input_definitions.parameters
    if unknown := given.keys() - set(wanted):
        names = ", ".join(sorted(unknown))
        raise Refused(INVALID, f"parameter(s) provided are not required by pipeline: {names}")
    for name, value in given.items():
        if not isinstance(value, str):
            raise Refused(INVALID, f"input parameter {name} requires type string")
    return {name: given.get(name, known.default_value.string_value)
            for name, known in wanted.items()}  # fmt: skip


@contextmanager
def serving(kubeflow: Kubeflow) -> Iterator[str]:
    """The address of a server on the loopback, as long as the block lasts."""
    handler = type("Bound", (Handler,), {"kubeflow": kubeflow})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for run in kubeflow.threads:
            run.join()


class Handler(BaseHTTPRequestHandler):
    kubeflow: Kubeflow

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, act) -> None:
        address = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        try:
            status, told = 200, act(address.path.removeprefix(API), query)
        except Refused as error:
            status = error.status
            told = {"error": str(error), "code": error.code, "message": str(error), "details": []}
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _get(self, path: str, query: dict) -> dict:
        kubeflow = self.kubeflow
        if path == "/healthz":
            return {"multi_user": False}
        if path == "/pipelines":
            return {"pipelines": _filtered(kubeflow.pipelines, query)}
        if found := re.fullmatch(r"/pipelines/([^/]+)/versions", path):
            versions = _filtered(kubeflow.versions, query)
            own = [version for version in versions if version["pipeline_id"] == found[1]]
            return {"pipeline_versions": own}
        if path == "/experiments":
            return {"experiments": _filtered(kubeflow.experiments, query)}
        if (found := re.fullmatch(r"/runs/([^/]+)", path)) and found[1] in kubeflow.runs:
            return kubeflow.runs[found[1]]
        raise Refused(MISSING, f"nothing at {path}")

    def _post(self, path: str, query: dict) -> dict:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "/pipelines/upload_version":
            text = _file(self.headers["Content-Type"], body)
            return self.kubeflow.upload_version(query["pipelineid"], query["name"], text)
        act = {
            "/pipelines": self.kubeflow.create_pipeline,
            "/experiments": self.kubeflow.create_experiment,
            "/runs": self.kubeflow.create_run,
        }.get(path)
        if act is None:
            raise Refused(MISSING, f"nothing at {path}")
        return act(json.loads(body))

    def log_message(self, *words: object) -> None:
        pass


def _filtered(known: dict[str, dict], query: dict) -> list[dict]:
    predicates = json.loads(query.get("filter", "{}")).get("predicates", [])
    for predicate in predicates:
        if predicate["operation"] not in ("EQUALS", 1):
            raise Refused(INVALID, f"unknown operation {predicate['operation']}")
    return [
        item for item in list(known.values())
        if all(item[p["key"]] == p["stringValue"] for p in predicates)
    ]  # fmt: skip


def _file(kind: str, body: bytes) -> str:
    """The file of an upload in parts."""
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\n\n" + body
    )
    (part,) = message.iter_parts()
    return part.get_payload(decode=True).decode()
