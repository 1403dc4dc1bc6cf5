# ruff: noqa: S608  # SQL that is made of the peers' own names of tables and columns
"""Fills Optuna's and MLflow's SQLite stores with as many runs as wanted, in seconds.

The first run is written by the peer's own calls, which take milliseconds a run; the others are copies of its rows with
their own numbers, in one statement per table.
"""

import importlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Run = Mapping[str, Any]
Row = dict[str, Any]

#: What a run tells: the two numbers that compete; everything else is a parameter.
VALUES: Final = ("top1", "train_images_per_second")


def fill_optuna(path: str, runs: Sequence[Run]) -> None:
    """Fill a new file with one study of two objectives whose trials are the runs."""
    optuna: Any = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="s", directions=["maximize", "maximize"])
    first = {name: value for name, value in runs[0].items() if name not in VALUES}
    study.add_trials([optuna.trial.create_trial(values=[runs[0][name] for name in VALUES], user_attrs=first)])

    def trial(row: Row, number: int, run: Run) -> Row:
        changed = {name: number for name in row if name == "number"}
        if "objective" in row:
            changed["value"] = run[VALUES[row["objective"]]]
        if "key" in row:
            changed["value_json"] = json.dumps(run[row["key"]])
        return {**row, "trial_id": number + 1, **changed}

    tables = {"trials": "", "trial_values": "trial_value_id", "trial_user_attributes": "trial_user_attribute_id"}
    _multiply(path, tables, runs, trial)


def fill_mlflow(path: str, runs: Sequence[Run]) -> None:
    """Fill a new file with one experiment that holds the runs."""
    mlflow: Any = importlib.import_module("mlflow")
    entities = mlflow.entities
    client = mlflow.MlflowClient(f"sqlite:///{path}")
    experiment = client.create_experiment("runs")
    first = client.create_run(experiment, start_time=1, run_name="run0").info.run_id
    client.log_batch(
        first,
        metrics=[entities.Metric(name, runs[0][name], 1, 0) for name in VALUES],
        params=[entities.Param(name, str(value)) for name, value in runs[0].items() if name not in VALUES],
    )
    client.set_terminated(first)

    def copy(row: Row, number: int, run: Run) -> Row:
        identity = uuid.uuid5(uuid.NAMESPACE_OID, str(number)).hex
        changed: Row = {"run_uuid": identity}
        if "artifact_uri" in row:
            changed |= {"name": f"run{number}", "start_time": number + 1, "artifact_uri": f"mlruns/{identity}"}
        elif row["key"] == "mlflow.runName":
            changed["value"] = f"run{number}"
        elif row["key"] in run:
            value = run[row["key"]]
            changed["value"] = value if row["key"] in VALUES else str(value)
        return {**row, **changed}

    _multiply(path, dict.fromkeys(("runs", "params", "metrics", "latest_metrics", "tags"), ""), runs, copy)


def _multiply(path: str, tables: Mapping[str, str], runs: Sequence[Run], copy: Callable[[Row, int, Run], Row]) -> None:
    """Write the rows of all runs but the first as copies of its rows.

    Args:
        path: Of the file.
        tables: Table → its column that numbers rows by itself; empty if it has none.
        runs: All runs.
        copy: Returns the row of the run of a number, from that of the first one.
    """
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    for table, numbered in tables.items():
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        names = [name for name in rows[0] if name != numbered]
        values = (
            [one[name] for name in names]
            for number, run in enumerate(runs[1:], 1)
            for one in (copy(row, number, run) for row in rows)
        )
        places = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", values)
    connection.commit()
    connection.close()
