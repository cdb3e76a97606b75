"""What trackers hold after an export, read by each tracker's own reader."""

from __future__ import annotations

import json
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import benchbench as bb
from benchbench.errors import BenchbenchError, RunError
from benchbench.render.exporting import ExportOptions, export_runs, scalars
from benchbench.render.formats.mlflow import metric_name
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbench.types import Run

HOSTILE = "../up\x1b[31m <b> 中 \n=1+1"


def runs_of(name: str) -> list[Run]:
    one = changed(made(name, 0.5), edition="scenes-v2", environment={"benchbench": "1.2.3"})
    return [one, changed(made(name, 0.8), edition="official")]


def expected(name: str) -> dict[str, float]:
    return {k: v for run in runs_of(name) for k, v in scalars(bb.scorecard(run)).items()}


@pytest.mark.parametrize("name", ["a", HOSTILE])
def test_tensorboard(name: str, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (folder,) = export_runs(runs_of(name), "tensorboard", ExportOptions(str(tmp_path), step=7))
    assert Path(folder).parent == tmp_path
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    wanted = expected(name)
    assert set(events.Tags()["scalars"]) == set(wanted)
    for tag, value in wanted.items():
        (event,) = events.Scalars(tag)
        assert event.step == 7
        assert event.value == pytest.approx(value, rel=1e-6)
    tag = "vg-relation@scenes-v2/run/text_summary"
    text = events.Tensors(tag)[0].tensor_proto.string_val[0].decode()
    assert json.loads(text)["benchbench"] == "1.2.3"


@pytest.mark.parametrize("name", ["a", HOSTILE])
def test_mlflow(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    options = ExportOptions(str(tmp_path / "deep" / "store.db"), step=7)
    (line,) = export_runs(runs_of(name), "mlflow", options)
    assert "logged  " in str(line)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/deep/store.db")
    experiment = client.get_experiment_by_name("benchbench")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_id in str(line)
    assert run.info.status == "FINISHED"
    wanted = {metric_name(k): v for k, v in expected(name).items()}
    assert run.data.metrics == pytest.approx(wanted)
    assert {m.step for m in client.get_metric_history(run.info.run_id, next(iter(wanted)))} == {7}
    facts = json.loads(run.data.tags["benchbench.run.vg-relation:scenes-v2"])
    assert (facts["edition"], facts["benchbench"]) == ("scenes-v2", "1.2.3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep"]
    export_runs(runs_of("b"), "mlflow", options)
    assert len(client.search_runs([experiment.experiment_id])) == 2


@pytest.mark.parametrize("ending", [True, False], ids=["reachable", "gone"])
def test_an_mlflow_run_that_fails_half_way_is_ended_as_failed(
    ending: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    log, logged = mlflow.MlflowClient.log_batch, list[str]()

    def once(client: object, run_id: str, **what: object) -> None:
        if logged:
            raise ConnectionError("the server went away")
        log(client, run_id, **what)
        logged.append(run_id)

    def gone(*_: object) -> None:
        raise ConnectionError("still away")

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", once)
    options = ExportOptions(str(tmp_path / "store.db"))
    two = [*runs_of("a"), *runs_of("b")]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with monkeypatch.context() as patch:
            if not ending:
                end = mlflow.MlflowClient.set_terminated
                patch.setattr(
                    mlflow.MlflowClient, "set_terminated",
                    lambda client, *a: gone() if a[1:] else end(client, *a),
                )  # fmt: skip
            with pytest.raises(RunError, match="the server went away"):
                export_runs(two, "mlflow", options)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/store.db")
    experiment = client.get_experiment_by_name("benchbench")
    runs = client.search_runs([experiment.experiment_id])
    left = "FAILED" if ending else "RUNNING"
    assert {run.info.run_name: run.info.status for run in runs} == {"a": "FINISHED", "b": left}
    said = [str(each.message) for each in told if "stays RUNNING" in str(each.message)]
    assert len(said) == (0 if ending else 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "s a directory"), (b"noise", "not an SQLite database"),
     (b"SQLite format 3\0 cut", r"MLflow at sqlite:")],
)  # fmt: skip
def test_a_place_that_is_no_database_is_a_line(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    utils = pytest.importorskip("mlflow.store.db.utils")
    pytest.importorskip("sqlalchemy")
    monkeypatch.setattr(utils, "MAX_RETRY_COUNT", 1)
    place = tmp_path / "store.db"
    place.mkdir() if content is None else place.write_bytes(content)
    with pytest.raises(BenchbenchError, match=said):
        export_runs(runs_of("a"), "mlflow", ExportOptions(str(place)))
    assert content is None or place.read_bytes() == content


def test_an_mlflow_server_that_is_not_there_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with pytest.raises(BenchbenchError, match=r"MLflow at http://127\.0\.0\.1:9: "):
        export_runs(runs_of("a"), "mlflow", ExportOptions("http://127.0.0.1:9"))


def logged_records(content: bytes) -> Iterator[bytes]:
    """The records of W&B's file: 7 bytes, then LevelDB's log format in blocks of 32 KiB."""
    assert content[:4] == b":W&B"
    at, whole = 7, b""
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:  # too little for a head: padding
            at += 32768 - at % 32768
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # full, or the last part
            yield whole
            whole = b""


@pytest.mark.parametrize("name", ["a", HOSTILE])
def test_wandb_offline(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    internal = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.chdir(tmp_path)
    logged, sent = export_runs(runs_of(name), "wandb", ExportOptions(str(tmp_path / "w"), step=7))
    folder = Path(str(logged).removeprefix("logged  "))
    assert str(sent) == f"next  wandb sync {folder}"
    assert folder.is_relative_to(tmp_path / "w")
    history: dict[str, float] = {}
    config: dict[str, str] = {}
    for data in logged_records(next(folder.glob("*.wandb")).read_bytes()):
        record = internal.Record.FromString(data)
        for item in record.history.item:
            history[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
        for item in record.run.config.update:
            config[item.key or "/".join(item.nested_key)] = item.value_json
    wanted = expected(name)
    assert {key: history[key] for key in wanted} == pytest.approx(wanted)
    assert history["_step"] == 7
    assert json.loads(config["runs"])["vg-relation@scenes-v2"]["benchbench"] == "1.2.3"


def test_wandb_that_logs_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with pytest.raises(BenchbenchError, match="WANDB_MODE is 'disabled'"):
        export_runs(runs_of("a"), "wandb", ExportOptions(str(tmp_path)))
