"""A sweep from its file to its fronts, and again, extended, and on a cluster with the other database."""

from __future__ import annotations

import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.place import SWEEP, Place, until
from tests.ports import unused_port

RESULTS = (
    "SELECT model_size, group_size, norm, train_resolution, test_resolution, top1, train_images_per_second, "
    "inference_images_per_second FROM results ORDER BY top1 DESC"
)


@pytest.fixture
def copied(finished, tmp_path):
    """A finished sweep that a test may change."""
    shutil.copytree(finished.directory, tmp_path / "copy")
    # Paths of checkpoints are absolute, so the copy goes on using the original's files.
    return Place(tmp_path / "copy", finished.data)


def test_every_stage_is_done_and_every_result_is_whole(finished):
    assert finished.json("status") == {"train": {"done": 2}, "evaluate": {"done": 4}, "measure": {"done": 6}}
    rows = finished.sql(RESULTS)
    assert len(rows) == 4
    assert {(row["group_size"], row["test_resolution"]) for row in rows} == {(1, 12), (1, 16), (16, 12), (16, 16)}
    for row in rows:
        assert 10 < row["top1"] < 100
        assert row["train_images_per_second"] > 0
        assert row["inference_images_per_second"] > 0


def test_a_measurement_tells_what_it_took_with_images_loaded_and_for_a_single_one(finished):
    rows = finished.sql(
        "SELECT mode, images_per_second, end_to_end_images_per_second, loading_images_per_second, "
        "latency_p50_milliseconds, latency_p99_milliseconds, complete FROM measurements"
    )
    assert len(rows) == 6
    for row in rows:
        assert row["complete"]
        assert row["end_to_end_images_per_second"] > 0
        assert row["loading_images_per_second"] > 0
        if row["mode"] == "inference":
            assert 0 < row["latency_p50_milliseconds"] <= row["latency_p99_milliseconds"]
        else:
            assert row["latency_p50_milliseconds"] is None


def test_the_results_command_shows_the_rows_of_the_view_in_every_format(finished):
    as_json = finished.json("results", "tiny")
    assert len(as_json) == 4
    assert {"sweep", "training_run", "top1", "params", "train_macs", "slot_kind", "source"} <= set(as_json[0])
    lines = finished.ask("results", "tiny", "--format", "csv").splitlines()
    assert lines[0].split(",") == list(as_json[0])
    assert len(lines) == 5
    assert finished.ask("results", "--format", "markdown").count("\n") == 6
    assert "top-1 %" in finished.ask("results")
    assert len(finished.json("results", "--filter", "group_size=16", "--limit", "1")) == 1


def test_parquet_holds_the_same_rows(finished, tmp_path):
    import pyarrow.parquet

    with (tmp_path / "results.parquet").open("wb") as file:
        command = [sys.executable, "-m", "orchestrator", "results", "--format", "parquet"]
        subprocess.run(command, cwd=finished.directory, env=finished.environment, stdout=file, check=True)
    rows = pyarrow.parquet.read_table(tmp_path / "results.parquet").to_pylist()
    expected = finished.json("results")
    assert [row["top1"] for row in rows] == [row["top1"] for row in expected]


def test_the_same_file_again_runs_nothing(copied):
    attempts = "SELECT fingerprint, attempt FROM attempts ORDER BY fingerprint, attempt"
    before = copied.sql(attempts)
    output = copied.run("launch", "sweep.yaml")
    assert "to run: 0 train, 0 evaluate, 0 measure; reused: 12" in output
    assert copied.sql(attempts) == before


def test_one_more_test_resolution_trains_nothing(copied):
    copied.write(SWEEP.replace("[12, 16]", "[12, 16, 20]"))
    counts = copied.json("plan", "sweep.yaml")
    assert (counts["train"]["to_run"], counts["evaluate"]["to_run"], counts["measure"]["to_run"]) == (0, 2, 2)
    assert [counts[stage]["reused"] for stage in ("train", "evaluate", "measure")] == [2, 4, 6]
    # Training is measured at the train resolution, so that this launch has nothing to measure.
    output = copied.run("launch", "sweep.yaml", "--set", "measure.modes=train")
    assert "to run: 0 train, 2 evaluate, 0 measure; reused: 8" in output
    assert copied.json("status") == {"train": {"done": 2}, "evaluate": {"done": 6}, "measure": {"done": 2}}


def test_another_sweep_reuses_what_it_shares(copied):
    copied.write(SWEEP.replace("name: tiny", "name: other").replace("group_size: [1, 16]", "group_size: 16"))
    assert "to run: 0 train, 0 evaluate, 0 measure; reused: 6" in copied.run("launch", "sweep.yaml")
    assert len(copied.json("results", "other")) == 2


def test_a_training_whose_weights_are_gone_is_run_again_only_if_they_are_needed(copied):
    (path,) = copied.sql("SELECT checkpoint FROM trainings ORDER BY checkpoint LIMIT 1")
    weights = Path(path["checkpoint"])
    kept = weights.read_bytes()
    weights.unlink()
    try:
        assert copied.json("plan", "sweep.yaml")["train"]["to_run"] == 0
        copied.write(SWEEP.replace("[12, 16]", "[12, 16, 20]"))
        assert copied.json("plan", "sweep.yaml")["train"]["to_run"] == 1
    finally:
        weights.write_bytes(kept)


def test_fronts_and_speed_up_come_from_what_was_measured(finished):
    rows = {row["evaluation"]: row for row in finished.json("results")}
    for mode in ("train", "inference"):
        for options, accepted in (((), {"clean"}), (("--noisy",), {"clean", "noisy"})):
            front = finished.json("front", "tiny", "--mode", mode, "--scenario", "all", *options)
            usable = [row for row in rows.values() if row[f"{mode}_verdict"] in accepted]
            measured = {(row["top1"], row[f"{mode}_images_per_second"]) for row in usable}
            expected = {
                point
                for point in measured
                if not any(other != point and other[0] >= point[0] and other[1] >= point[1] for other in measured)
            }
            assert {(row["top1_mean"], row["images_per_second"]) for row in front} == expected
    found = finished.json("speedup", "--baseline", "group_size=1", "--candidate", "group_size=16", "--mode", "train")
    assert set(found) >= {"points", "maximum", "geometric_mean"}


def test_the_published_points_give_the_paper_s_speed_ups(place):
    from tests.conftest import REPOSITORY

    place.ask("import", "--published", str(REPOSITORY / "examples" / "published_results.csv"))
    filters = ["--baseline", "series=G1-GN-Baseline", "--candidate", "series=G16-LN+PN-Half", "--mode", "train"]
    found = place.json("speedup", *filters)
    assert found["maximum"]["speedup"] == pytest.approx(6.84, abs=0.01)
    assert found["maximum"]["top1"] == pytest.approx(82.84, abs=0.005)
    assert "6.84× at 82.84 %" in place.ask("speedup", *filters)


def test_nothing_is_written_before_the_first_launch(place):
    place.ask("plan", "sweep.yaml")
    assert "no database" in place.ask("status", expect=4).lower()
    assert [path.name for path in place.directory.iterdir()] == ["sweep.yaml"]


def test_the_database_file_is_a_plain_sqlite_file(finished):
    with sqlite3.connect(finished.directory / "orchestrator.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.fixture
def ray_cluster(monkeypatch, tmp_path_factory):
    """Address of a Ray cluster of one machine, started as a person would, with token authentication."""
    port = unused_port()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
    # In the foreground and ended by its own signal: `ray stop` would end everybody's clusters on this machine.
    command = [Path(sys.executable).parent / "ray", "start", "--head", "--block", f"--port={port}", "--num-cpus=2"]
    options = ["--include-dashboard=false", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]
    with (tmp_path_factory.mktemp("ray") / "log").open("wb") as log:
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
    until(lambda: _answers(port))
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(120)


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_same_file_on_a_ray_cluster_and_postgres_gives_the_same_results(place, finished, ray_cluster, postgres_url):
    one = Place(place.directory, place.data, postgres_url)
    command = ("launch", "sweep.yaml", "--address", ray_cluster, "--set", "measure.modes=train")
    one.run(*command)
    assert one.json("status") == {"train": {"done": 2}, "evaluate": {"done": 4}, "measure": {"done": 2}}
    assert {row["slot"] for row in one.sql("SELECT slot FROM attempts")} != {"cpu-0", "cpu-1"}
    rows = one.sql(RESULTS)
    assert len(rows) == 4
    assert all(row["train_images_per_second"] > 0 for row in rows)
    accuracies = {(row["group_size"], row["test_resolution"], row["top1"]) for row in finished.sql(RESULTS)}
    assert {(row["group_size"], row["test_resolution"], row["top1"]) for row in rows} == accuracies, "bit for bit"
    assert "to run: 0 train" in one.run(*command)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("launch",), 2, "SWEEP.YAML"),
        (("lunch", "sweep.yaml"), 2, "launch"),
        (("results", "--filter", "group_sise=1"), 2, "group_size"),
        (("front", "--mode", "training"), 2, "train"),
        (("sql", "DELETE FROM jobs"), 2, "not allowed"),
        (("status", "nobody"), 2, "nobody"),
        (("explain", "zzz"), 2, "zzz"),
        (("--db", "mysql://a:pass-word@b/c", "status"), 2, "mysql"),
        (("--db", "postgresql://a:pass-word@127.0.0.1:9/c", "status"), 4, "127.0.0.1"),
        (("launch", "sweep.yaml", "--address", "127.0.0.1:9"), 3, "127.0.0.1:9"),
    ],
)
def test_mistakes_on_the_command_line(finished, arguments, code, words):
    output = finished.ask(*arguments, expect=code)
    assert words in output
    assert "pass-word" not in output
