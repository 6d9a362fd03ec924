import mlflow
import pytest
import tracked

from components import makers, store


@pytest.fixture
def client(tmp_path, monkeypatch):
    tracked.enter(tmp_path, monkeypatch)
    return mlflow.MlflowClient(store.tracking_uri())


def ran(client, stage, start, end, inputs=(), outputs=(), experiment="0"):
    """A run of a stage from `start` to `end`, ms; 0 where it has not ended."""
    tags = {"stage": stage, "mlflow.source.name": f"components.{stage}.stage"}
    tags |= {f"input.{text}": text for text in inputs} | {
        f"output.{text}": text for text in outputs
    }
    run = client.create_run(experiment, start, tags).info.run_id
    if end:
        client.set_terminated(run, end_time=end)
    return run


def linked(client, report):
    makers.link(client, report, {}, "# Scores")
    tags = client.get_run(report).data.tags
    return {name: run for name, run in tags.items() if name.startswith("stage.")}


def test_run_is_linked_to_the_last_that_had_ended_before_it_whenever_that_is_told(client):
    ran(client, "verify", 100, 200, outputs=["scores"])
    before = ran(client, "verify", 300, 400, ["windows"], ["scores"])
    ran(client, "verify", 450, 650, outputs=["scores"])  # at work when the report began
    report = ran(client, "report", 500, 0, ["scores"])
    ran(client, "verify", 600, 700, outputs=["scores"])
    ran(client, "regrid", 800, 900, outputs=["windows"])
    assert linked(client, report) == {"stage.verify": before}


def test_run_that_has_no_end_yet_is_linked_where_no_other_wrote_the_same(client):
    other = client.create_experiment("kubeflow's own")
    before = ran(client, "verify", 300, 0, outputs=["scores"], experiment=other)
    report = ran(client, "report", 500, 0, ["scores"])
    assert linked(client, report) == {"stage.verify": before}


def test_runs_and_experiments_beyond_a_page_are_found_and_those_of_others_not_sent(
    client, monkeypatch
):
    for name in ("a", "b", "c"):
        others = client.create_experiment(name)
        client.create_run(others, tags={"stage": "verify", "output.scores": "scores"})
        client.create_run(others, tags={"output.scores": "scores"})
    made = [ran(client, "verify", start, start + 1, outputs=["scores"]) for start in (3, 1, 2)]
    made.append(ran(client, "regrid", 4, 5, outputs=["windows"], experiment=others))
    monkeypatch.setattr(makers, "AT_ONCE", 2)
    assert [run.info.run_id for run in makers._runs(client)] == [made[i] for i in (1, 2, 0, 3)]
    found = makers.makers(store.tracking_uri())
    assert [run.run for run in found["scores"]] == [made[i] for i in (1, 2, 0)]


def test_address_that_fails_is_told_without_its_credentials(monkeypatch):
    with pytest.raises(ValueError, match=r"MLflow at http://127\.0\.0\.1:9 fails") as raised:
        makers.makers("http://anna:pass@127.0.0.1:9")
    assert "anna" not in str(raised.value)
