"""Searches as Optuna's studies: what its own tools read is what there is, and nothing runs for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from sqlalchemy import create_engine, text

from db.errors import InvalidUrlError
from db.store import open_store
from orchestrator.errors import DatabaseError, InputError
from orchestrator.search.optuna_study import distribution, export_study, study_of
from orchestrator.search.space import Axis
from tests.search.trials import trial

AXES = (Axis("train_resolution", (128, 160, 192)), Axis("norm", ("gn", "bn")))
OBJECTIVES = ("top1", "inference_images_per_second")


def params(resolution, norm="gn"):
    return {"train_resolution": resolution, "norm": norm}


TRIALS = [
    trial(0, params(128), (70.0, 900.0), slot_seconds=12.5, jobs=3, reused=1, attributes={"kept": [1, 2]}),
    trial(1, params(160), (75.0, 700.0), violations=(-0.2,)),
    trial(2, params(192), (60.0, 500.0), "infeasible", violations=(0.3,), reason="below the floor"),
    trial(3, params(128, "bn"), (None, 400.0), "infeasible", violations=(0.1,)),
    trial(4, params(160, "bn"), (None, 300.0), "skipped", reason="no better"),
    trial(5, params(192, "bn"), (), "failed", reason="diverged"),
    trial(6, params(192, "bn")),
]


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("new_postgres_url")
    return f"sqlite:///{tmp_path / 'studies.db'}"


def loaded(url, name):
    storage = optuna.storages.RDBStorage(url)
    study = optuna.load_study(study_name=name, storage=storage)
    yield study
    storage.remove_session()
    storage.engine.dispose()


# ---- axes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((128, 160, 192), IntDistribution(128, 192, step=32)),
        ((1, 16), IntDistribution(1, 16, step=15)),
        ((0.1, 0.2, 0.3), FloatDistribution(0.1, 0.3, step=0.1)),
        ((0.5, 1), FloatDistribution(0.5, 1.0, step=0.5)),
        ((0.25, 0.5, 1.0), CategoricalDistribution((0.25, 0.5, 1.0))),
        ((16, 24, 40), CategoricalDistribution((16, 24, 40))),
        (("gn", "bn"), CategoricalDistribution(("gn", "bn"))),
        ((False, True), CategoricalDistribution((False, True))),
        (("native", 160), CategoricalDistribution(("native", 160))),
    ],
)
def test_evenly_spaced_numbers_are_ranges_and_anything_else_a_choice(values, expected):
    assert distribution(Axis("axis", values)) == expected


# ---- in memory ----------------------------------------------------------------------------------------------------


def test_in_memory_what_is_not_known_is_the_worst_that_is():
    told = study_of(AXES, OBJECTIVES, TRIALS, floors=1).trials
    states = [one.state for one in told]
    assert states == [TrialState.COMPLETE] * 5 + [TrialState.FAIL, TrialState.RUNNING]
    assert [one.values for one in told[:5]] == [[70, 900], [75, 700], [60, 500], [60, 400], [60, 300]]
    assert [list(one.constraints.values()) for one in told[:5]] == [[0.0], [-0.2], [0.3], [0.1], [0.0]]
    assert told[0].system_attrs["kept"] == [1, 2]
    assert [one.number for one in told] == list(range(7))
    assert told[6].params == params(192, "bn")


def test_of_one_objective_what_was_skipped_or_stopped_is_pruned():
    rows = [
        trial(0, params(128), (70.0,)),
        trial(1, params(160), (None,), "skipped"),
        trial(2, params(192), (50.0,), "pruned", curve={1: 40.0, 3: 50.0}),
        trial(3, params(128, "bn"), (30.0,), "skipped"),
    ]
    told = study_of(AXES, ("top1",), rows).trials
    assert [one.state.name for one in told] == ["COMPLETE", "PRUNED", "PRUNED", "COMPLETE"]
    assert told[2].intermediate_values == {1: 40.0, 3: 50.0}


def test_a_missing_number_is_refused():
    with pytest.raises(ValueError, match="without gaps"):
        study_of(AXES, OBJECTIVES, TRIALS[1:])


# ---- exported -----------------------------------------------------------------------------------------------------


def test_an_exported_study_holds_what_is_known_and_nothing_invented(url):
    assert export_study(url, "look", AXES, OBJECTIVES, TRIALS) == 7
    for study in loaded(url, "look"):
        told = study.trials
        assert [one.number for one in told] == list(range(7))
        names = ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "PRUNED", "FAIL", "WAITING"]
        assert [one.state.name for one in told] == names
        assert [one.values for one in told] == [[70, 900], [75, 700], [60, 500], None, None, None, None]
        assert told[3].user_attrs["values"] == [None, 400.0]
        assert told[0].user_attrs == {
            "state": "complete",
            "origin": "sampler",
            "reason": "",
            "slot_seconds": 12.5,
            "jobs": 3,
            "jobs_reused": 1,
            "values": [70.0, 900.0],
        }
        assert told[4].user_attrs["reason"] == "no better"
        assert [one.params for one in told] == [dict(one.params) for one in TRIALS]
        assert [one.number for one in study.best_trials] == [0, 1]
        assert study.metric_names == list(OBJECTIVES)
        assert told[1].datetime_start.astimezone() == TRIALS[1].created_at
        assert told[1].datetime_complete.astimezone() == TRIALS[1].finished_at


def test_who_goes_on_with_an_exported_study_begins_with_what_was_open(url):
    export_study(url, "look", AXES, OBJECTIVES, TRIALS)
    for study in loaded(url, "look"):
        seen = []

        def objective(asked, seen=seen):
            seen.append((asked.number, asked.suggest_int("train_resolution", 128, 192, step=32)))
            seen.append(asked.suggest_categorical("norm", ("gn", "bn")))
            return 80.0, 800.0

        study.optimize(objective, n_trials=1)
        assert seen == [(6, 192), "bn"]
        assert all(one.state.is_finished() for one in study.trials)


def test_optunas_own_tool_lists_the_right_numbers(tmp_path):
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    export_study(url, "look", AXES, OBJECTIVES, TRIALS)
    export_study(url, "another", AXES, ("top1",), [trial(0, params(128), (70.0,))])
    tool = Path(sys.executable).with_name("optuna")

    def listed(*arguments):
        command = [tool, *arguments, "--storage", url, "--format", "json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert {one["name"]: one["n_trials"] for one in listed("studies")} == {"look": 7, "another": 1}
    assert len(listed("trials", "--study-name", "look")) == 7


def test_a_study_of_that_name_is_left_as_it_is(url):
    export_study(url, "look", AXES, OBJECTIVES, TRIALS)
    with pytest.raises(InputError, match="has a study 'look' already"):
        export_study(url, "look", AXES, OBJECTIVES, TRIALS[:1])
    for study in loaded(url, "look"):
        assert len(study.trials) == 7


def test_half_a_study_is_none(url):
    broken = trial(1, params(160), (70.0, 100.0), reason="x" * 10, slot_seconds=object())
    with pytest.raises(TypeError):
        export_study(url, "look", AXES, OBJECTIVES, [TRIALS[0], broken])
    assert export_study(url, "look", AXES, OBJECTIVES, TRIALS) == 7


def test_a_study_lives_beside_our_own_tables(request, tmp_path):
    for url in (f"sqlite:///{tmp_path / 'store.db'}", request.getfixturevalue("new_postgres_url")):
        open_store(url).close()
        export_study(url, "look", AXES, OBJECTIVES, TRIALS)
        open_store(url).close()
        for study in loaded(url, "look"):
            assert len(study.trials) == 7


def test_values_that_the_axes_no_longer_have_are_exported_all_the_same(tmp_path):
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    old = [TRIALS[0], trial(1, {**params(224), "width": 0.5}, (80.0, 100.0)), trial(2, {"norm": "ln"}, (1.0, 1.0))]
    export_study(url, "look", AXES, OBJECTIVES, old)
    for study in loaded(url, "look"):
        assert [one.params for one in study.trials] == [dict(one.params) for one in old]


def test_errors_are_one_message_without_a_password(tmp_path):
    with pytest.raises(InvalidUrlError):
        export_study("mysql://u:secret@host/db", "look", AXES, OBJECTIVES, TRIALS)
    with pytest.raises(DatabaseError, match="cannot write a study to sqlite"):
        export_study(f"sqlite:///{tmp_path / 'none' / 'a.db'}", "look", AXES, OBJECTIVES, TRIALS)
    url = "postgresql://someone:very%20secret@127.0.0.1:1/none?connect_timeout=2"
    with pytest.raises(DatabaseError) as caught:
        export_study(url, "look", AXES, OBJECTIVES, TRIALS)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_database_of_another_release_of_optuna_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    export_study(url, "look", AXES, OBJECTIVES, TRIALS)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v0.9.0.a'"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="no longer compatible"):
        export_study(url, "later", AXES, OBJECTIVES, TRIALS)
