"""The pipeline brought to a Kubeflow server: uploaded, started, waited for.

A version of the pipeline is named by what the compiled file holds, so the same content is uploaded
once. Overlays change the arguments of a run, not the version; but for their section `kubeflow`,
which is part of the compiled file.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import kfp_server_api
from kfp.client import KF_PIPELINES_SA_TOKEN_ENV, Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
from urllib3.exceptions import HTTPError

from nephele.params import KUBEFLOW
from pipeline import graph

ENDPOINT = "KF_PIPELINES_ENDPOINT"
ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")
INTERVAL = 5.0  # s between two questions for a run's state
LOST = 300.0  # s for which a server that was there may be gone while a run is waited for


@dataclass(frozen=True)
class Target:
    """A server, or None for what the surroundings say; and a namespace where users have one."""

    host: str | None
    namespace: str | None


@dataclass(frozen=True)
class Run:
    """A run that was started."""

    client: Client
    identity: str
    link: str


def submit(
    base: Mapping[str, dict],
    sections: Mapping[str, dict],
    target: Target,
    experiment: str,
    name: str | None = None,
) -> Run:
    """Start a run with the parameters `sections`.

    Args:
        base: all sections of params.yaml; those of the stages are the defaults of the version.
        sections: the same with overlays.
        target: where.
        experiment: the run's; made if there is none of that name.
        name: the run's; that of the version and the time, if None.

    Raises:
        ValueError: the server is not reached, or refuses what it is given.
    """
    with _in_one_sentence(target), contextlib.redirect_stdout(sys.stderr):
        client = connect(target)
        version = _version(client, {**base, KUBEFLOW: sections[KUBEFLOW]}, target.namespace)
        group = client.create_experiment(experiment, namespace=target.namespace)
        run = client.run_pipeline(
            group.experiment_id,
            name or f"{version.display_name} {time.strftime('%Y-%m-%d %H:%M:%S')}",
            params=graph.arguments(sections),
            pipeline_id=version.pipeline_id,
            version_id=version.pipeline_version_id,
        )
    link = f"{client._get_url_prefix()}/#/runs/details/{run.run_id}"
    return Run(client, run.run_id, link)


def wait(run: Run, interval: float = INTERVAL) -> None:
    """Wait for the end of a run.

    Args:
        interval: s, between two questions.

    Raises:
        ValueError: it did not succeed, with the tasks that failed; or the server is gone.
    """
    seen = time.monotonic()
    while True:
        try:
            told = run.client.get_run(run.identity)
            seen = time.monotonic()
        except (HTTPError, kfp_server_api.ApiException) as error:
            if time.monotonic() - seen > LOST or getattr(error, "status", 500) < 500:
                raise ValueError(f"the run {run.link} can no longer be seen: {error}") from None
        else:
            if told.state in ENDED:
                break
        time.sleep(interval)
    if told.state != "SUCCEEDED":
        raise ValueError(f"the run {told.state.lower()}{_reason(told)}; see {run.link}")


def connect(target: Target) -> Client:
    """A client of the server, by whatever credentials the surroundings have.

    Raises:
        ValueError: the host is no address.
    """
    host = target.host or os.environ.get(ENDPOINT) or ""
    scheme = "" if host.startswith("http") else "https://"
    if host and (" " in host or not urlsplit(scheme + host).netloc):
        raise ValueError(f"{host!r} is no address, expected one such as http://127.0.0.1:8080")
    credentials = None
    if KF_PIPELINES_SA_TOKEN_ENV in os.environ:
        credentials = ServiceAccountTokenVolumeCredentials()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # that it speaks to version 2 alone
        namespace = target.namespace or "kubeflow"
        return _PromptClient(target.host, namespace=namespace, credentials=credentials)


class _PromptClient(Client):
    """The client, but for the half minute in which it asks a server five times if it is well."""

    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:
        return self.healthzs.healthz_service_get_healthz()


def _version(
    client: Client, sections: Mapping[str, dict], namespace: str | None
) -> kfp_server_api.V2beta1PipelineVersion:
    """The version of the pipeline with this content, uploaded if the server has none."""
    pipeline = client.get_pipeline_id(graph.NAME)
    if pipeline is None:
        empty = kfp_server_api.V2beta1Pipeline(display_name=graph.NAME, namespace=namespace)
        pipeline = client.pipelines.pipeline_service_create_pipeline(empty).pipeline_id
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "nephele.yaml"
        graph.write(sections, compiled)
        name = graph.version(compiled)
        wanted = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        known = client.list_pipeline_versions(pipeline, filter=json.dumps({"predicates": [wanted]}))
        if known.pipeline_versions:
            return known.pipeline_versions[0]
        return client.upload_pipeline_version(str(compiled), name, pipeline_id=pipeline)


@contextlib.contextmanager
def _in_one_sentence(target: Target) -> Iterator[None]:
    host = target.host or os.environ.get(ENDPOINT) or "the cluster"
    try:
        yield
    except kfp_server_api.ApiException as error:
        if error.status in (401, 403):
            raise ValueError(
                f"{host} refuses ({error.status} {error.reason}); "
                "docs/kubeflow.md says where credentials come from"
            ) from None
        raise ValueError(f"{host} refuses: {_message(error)}") from None
    except HTTPError as error:
        raise ValueError(
            f"no Kubeflow Pipelines at {host} ({type(error).__name__}); expected its address, such "
            "as http://127.0.0.1:8080 while `kubectl port-forward` runs"
        ) from None


def _message(error: kfp_server_api.ApiException) -> str:
    """What the server says, in one line."""
    try:
        told = json.loads(error.body)
    except (TypeError, ValueError):
        told = {}
    text = told.get("message") or told.get("error_details") or told.get("error") or error.reason
    return " ".join(str(text).split())


def _reason(run: kfp_server_api.V2beta1Run) -> str:
    details = run.run_details.task_details if run.run_details else None
    failed = sorted({task.display_name for task in details or () if task.state == "FAILED"})
    told = f": {', '.join(failed)}" if failed else ""
    return told + (f" ({run.error.message})" if run.error and run.error.message else "")
