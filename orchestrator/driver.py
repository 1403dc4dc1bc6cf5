"""The driver: carries the scheduler's actions to the slots and the store, and their answers back.

It holds nothing that the store does not: kill it at any moment and launch the same file again.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from typing_extensions import assert_never

from db.store import utc_now
from orchestrator.errors import ImpossibleHereError
from orchestrator.orders import Orders
from orchestrator.patience import PatientCalls
from orchestrator.results import environment_record, epoch_record, store_result
from orchestrator.scheduling.events import (
    Added,
    Drain,
    EndAttempt,
    Ended,
    Outcome,
    Paused,
    Resumed,
    RetireSlot,
    Running,
    SeenElsewhere,
    SetState,
    SignOfLife,
    SlotLost,
    SlotUp,
    Start,
    StartRefused,
    StopAttempt,
    StopNow,
    Tick,
    Withdrawn,
)
from orchestrator.signals import Signals
from orchestrator.slots.ray_pool import PoolEvent, SlotArrived, SlotDied, SlotNews
from orchestrator.slots.roster import SLOTLESS_SECONDS, Roster
from orchestrator.slots.supervisor import WorkerDied
from workers.protocol.orders import Diverged, EpochDone, Failed, Finished, MeasureResult, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.reader import Reader
    from db.records import Pause
    from db.store import Store
    from orchestrator.driver_identity import DriverWatch
    from orchestrator.driver_partners import JobNews, JobSource, Listener
    from orchestrator.run_files import RunFiles
    from orchestrator.scheduling.events import Action, Event
    from orchestrator.scheduling.scheduler import Scheduler
    from orchestrator.slots.ray_pool import RayPool
    from orchestrator.slots.request import SlotRequest
    from orchestrator.slots.supervisor import News
    from workers.protocol.jobs import Job

#: Longest wait for news from the slots before the clock is looked at again, seconds.
WAIT_SECONDS = 0.5
#: Between two signs of life of the driver in the store, seconds.
BEAT_SECONDS = 5.0
#: Between two looks at what others changed in the store, seconds.
LOOK_SECONDS = 2.0
#: The same for jobs that should be nobody else's, seconds.
LOOK_AT_ALL_SECONDS = 20.0
#: Between two looks for machines that joined, seconds.
DISCOVERY_SECONDS = 15.0
#: Between two signs of progress of one job in the store, seconds.
PROGRESS_SECONDS = 2.0

#: Class of failure → how the attempt ended, where that is not the end of the job.
_OUTCOMES = {
    "out_of_memory": Outcome.OUT_OF_MEMORY,
    "device_reset": Outcome.CRASHED,
    "device_broken": Outcome.SLOT_BROKEN,
}


class Driver:
    """Runs one sweep until nothing is left to do.

    Args:
        store: The results database.
        reader: Looks things up in it.
        sweep_id: The sweep, held by this driver.
        driver_id: This driver's registration in the store.
        drivers: Watches the other drivers.
        pool: The slots.
        requests: Which slots to make of each machine that joins.
        arrived: Slots that are up already.
        scheduler: Holds the sweep's tasks.
        jobs: Every job of the sweep by fingerprint.
        files: Where attempts write.
        data_directory: Where named data sets lie.
        listener: Who is told.
        source: Where further jobs come from; None if all are there.
    """

    def __init__(
        self,
        *,
        store: Store,
        reader: Reader,
        sweep_id: int,
        driver_id: str,
        drivers: DriverWatch,
        pool: RayPool,
        requests: Sequence[SlotRequest],
        arrived: Sequence[SlotArrived] = (),
        scheduler: Scheduler,
        jobs: Mapping[str, Job],
        files: RunFiles,
        data_directory: str,
        listener: Listener,
        source: JobSource | None = None,
    ) -> None:
        self._store = store
        self._sweep_id = sweep_id
        self._driver_id = driver_id
        self._drivers = drivers
        self._environments: dict[str, str] = {}
        self._pool = pool
        self._requests = requests
        self._arrived = arrived
        self._scheduler = scheduler
        self._jobs = jobs
        self._files = files
        self._listener = listener
        self._source = source
        self._source_has_news = True
        self._signals = Signals()
        self._patiently = PatientCalls(listener.note, lambda: self._signals.repeated)
        self._orders = Orders(reader, files, data_directory, source, self._patiently)
        self._pause: Pause | None = None
        self._paused_since = 0.0
        self._slots = Roster()
        self._slot_of: dict[tuple[str, int], str] = {}
        self._post_mortems: dict[tuple[str, int], tuple[str, str]] = {}
        self._due: dict[str, float] = {}

    # ---- the loop ----------------------------------------------------------------------------------------------

    def run(self) -> int | None:
        """Work until the sweep is settled.

        Returns:
            None, or the number of the signal that ended the run.
        """
        with self._signals:
            self._pool.start(self._requests)
            for arrival in self._arrived:
                self._take(arrival)
            while True:
                for event in self._pool.events(WAIT_SECONDS):
                    self._take(event)
                self._follow_signals()
                self._follow_the_clock()
                self._ask_the_source()
                if self._settled:
                    return self._signals.first
                self._slots.require_some(patiently=self._pool.starting or self._scheduler.paused)

    @property
    def _settled(self) -> bool:
        if not self._scheduler.settled or not (self._environments or self._signals.first):
            return False
        return self._source is None or not self._source_has_news or self._scheduler.draining

    def _ask_the_source(self) -> None:
        """Let further jobs come, once there are slots for them and until somebody pauses or stops it all."""
        source = self._source
        if source is None or not self._source_has_news or not self._slots:
            return
        if self._scheduler.draining or self._scheduler.paused:
            return
        self._source_has_news = False
        self._follow(source.advance(len(self._slots), self._patiently))

    def _follow(self, news: JobNews) -> None:
        for fingerprint, reason in news.withdrawn.items():
            self._feed(Withdrawn(fingerprint, reason))
            self._listener.withdrawn(fingerprint)
            self._source_has_news = True  # there is room for another one
        for task in news.added:
            self._listener.added(task.fingerprint, task.state)
        if news.added:
            self._feed(Added(news.added))

    def _follow_signals(self) -> None:
        if not self._signals.heard_more():
            return
        running = len(self._scheduler.running)
        if running and not self._signals.urgent:
            self._listener.note(
                f"finishing the {running} running job(s), starting no more; Ctrl-C again stops them now"
            )
            self._feed(Drain())
        else:
            self._feed(StopNow())

    def _follow_the_clock(self) -> None:
        if self._is_due("beat", BEAT_SECONDS) and not self._patiently(lambda: self._store.beat(self._driver_id)):
            raise ImpossibleHereError("another driver took this sweep over: this one was silent for too long")
        if self._is_due("look", LOOK_SECONDS):
            self._look_around()
        if self._is_due("discovery", DISCOVERY_SECONDS):
            self._pool.start(self._requests)
        self._feed(Tick())

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _look_around(self) -> None:
        """Follow what other drivers and the user's commands did to this sweep and its jobs."""
        self._patiently(self._drivers.reap_the_dead)
        everything = self._is_due("look at all", LOOK_AT_ALL_SECONDS)
        wanted = self._scheduler.tasks if everything else self._scheduler.elsewhere
        states = self._patiently(lambda: self._store.job_states(wanted))
        for fingerprint, state in states.items():
            news = fingerprint in self._scheduler.elsewhere or state != self._scheduler.tasks[fingerprint].state
            if news and fingerprint not in self._scheduler.running:
                self._feed(SeenElsewhere(fingerprint, state))
        sweep = self._patiently(lambda: self._store.sweep(self._sweep_id))
        if sweep.state == "stopped":
            self._listener.note("the sweep was cancelled")
            self._feed(StopNow())
        elif sweep.pause != self._pause:
            self._follow_pause(sweep.pause)

    def _follow_pause(self, pause: Pause | None) -> None:
        before, self._pause = self._pause, pause
        self._listener.paused(pause)
        if pause is None:
            if self._source is not None:
                self._source.rested(time.monotonic() - self._paused_since)
            self._feed(Resumed())
            return
        if before is None:
            self._paused_since = time.monotonic()
        self._feed(Paused(pause.interrupts, f"interrupted by a pause ({pause.by})"))
        for slot_id in self._slots:
            self._pool.rest(slot_id)

    # ---- from the slots ----------------------------------------------------------------------------------------

    def _take(self, event: PoolEvent) -> None:
        match event:
            case SlotArrived(slot, environment):
                self._slots.add(slot.slot_id)
                self._environments[slot.slot_id] = environment.key
                self._patiently(lambda: self._store.put_environment(environment_record(environment), slot.node))
                self._listener.slot(slot.slot_id, environment)
                self._feed(SlotUp(slot))
                if self._pause is not None:
                    self._pool.rest(slot.slot_id)
            case SlotDied(slot_id, message):
                self._lose(slot_id, "is gone: ", message)
                self._feed(SlotLost(slot_id))
            case SlotNews(slot_id, news):
                self._take_news(slot_id, news)

    def _take_news(self, slot_id: str, news: News) -> None:
        match news:
            case Progress(fingerprint, attempt):
                self._feed(SignOfLife(fingerprint, attempt))
                self._progress(slot_id, news)
            case EpochDone(fingerprint, attempt):
                self._feed(SignOfLife(fingerprint, attempt))
                self._patiently(lambda: self._store.record_epoch(fingerprint, attempt, epoch_record(news)))
                if self._source is not None:
                    self._follow(self._source.epoch_done(news, self._patiently))
            case Finished():
                self._finish(news)
            case Diverged(fingerprint, attempt, message):
                self._feed(Ended(fingerprint, attempt, Outcome.DIVERGED, message))
            case Failed(fingerprint, attempt, failure, message):
                outcome = _OUTCOMES.get(failure, Outcome.FAILED)
                self._post_mortems[fingerprint, attempt] = (failure, news.traceback)
                self._feed(Ended(fingerprint, attempt, outcome, message))
            case WorkerDied():
                self._take_death(news)
            case _:
                pass  # Ready and Started say nothing that is not known

    def _take_death(self, news: WorkerDied) -> None:
        """A worker that died may have left its result on disk, finished but not reported."""
        fingerprint, attempt = news.fingerprint, news.attempt
        report = self._files.unread_report(fingerprint, attempt)
        if isinstance(report, Finished):
            self._finish(report)
            return
        self._post_mortems[fingerprint, attempt] = ("crash", news.log)
        self._feed(Ended(fingerprint, attempt, Outcome.CRASHED, news.message))

    def _finish(self, report: Finished) -> None:
        job = self._jobs[report.job]
        directory = self._files.attempt_directory(report.job, report.attempt)
        key = self._environments[self._slot_of[report.job, report.attempt]]
        self._patiently(lambda: store_result(self._store, job, report, directory, key))
        if isinstance(report.result, MeasureResult) and not report.result.complete:
            self._listener.round_done(report.job)
            self._feed(Ended(report.job, report.attempt, Outcome.ROUND_DONE))
            return
        self._listener.ended(report.job, "done", "")
        self._feed(Ended(report.job, report.attempt, Outcome.DONE))

    def _progress(self, slot_id: str, news: Progress) -> None:
        self._listener.progressed(slot_id, news.done, news.text)
        if self._is_due(f"progress {slot_id}", PROGRESS_SECONDS):
            self._patiently(lambda: self._store.record_progress(news.job, news.attempt, news.done, news.text))

    # ---- to the slots and the store ----------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        self._source_has_news |= isinstance(event, SlotUp | SlotLost | Ended | SeenElsewhere)
        for action in self._scheduler.handle(event, time.monotonic()):
            self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Start(fingerprint, slot_id):
                self._start(fingerprint, slot_id)
            case StopAttempt(slot_id, fingerprint, attempt):
                self._pool.stop_attempt(slot_id, fingerprint, attempt)
            case EndAttempt():
                self._end(action)
            case SetState(fingerprint, state, reason):
                self._patiently(lambda: self._store.set_job_states([fingerprint], ("queued", "blocked"), state, reason))
                self._listener.ended(fingerprint, state, reason)
            case RetireSlot(slot_id, reason):
                self._retire(slot_id, reason)
            case _:
                assert_never(action)

    def _retire(self, slot_id: str, reason: str) -> None:
        self._pool.retire(slot_id)
        self._lose(slot_id, "is not used any more in this run, ", f"its device is broken: {reason}")

    def _lose(self, slot_id: str, what: str, reason: str) -> None:
        self._slots.lose(slot_id, reason)
        self._listener.slot(slot_id, None)
        self._listener.note(f"slot {slot_id} {what}{reason}")
        if not self._slots:
            self._listener.note(f"there is no slot left; waiting {SLOTLESS_SECONDS:.0f} s for another one")

    def _start(self, fingerprint: str, slot_id: str) -> None:
        slot = self._scheduler.running[fingerprint][0]
        attempt = self._patiently(
            lambda: self._store.claim(
                fingerprint,
                driver_id=self._driver_id,
                slot=slot.slot_id,
                node=slot.node,
                environment_key=slot.environment_key,
                directory=self._files.attempt_directory_template(fingerprint),
            )
        )
        if attempt is None:
            self._feed(StartRefused(fingerprint))
            return
        self._slot_of[fingerprint, attempt] = slot_id
        self._feed(Running(fingerprint, attempt))
        self._listener.started(slot_id, fingerprint)
        self._pool.send(slot_id, self._orders.order(self._jobs[fingerprint], attempt))

    def _end(self, action: EndAttempt) -> None:
        if action.outcome in {"lost", "timeout"}:
            report = self._files.unread_report(action.fingerprint, action.attempt)
            if isinstance(report, Finished):  # it had finished, and nobody was there to hear it
                self._finish(report)
                return
        failure, log = self._post_mortems.pop((action.fingerprint, action.attempt), ("", ""))
        not_before = utc_now() + dt.timedelta(seconds=action.delay_seconds) if action.delay_seconds else None
        self._patiently(
            lambda: self._store.end_attempt(
                action.fingerprint,
                action.attempt,
                outcome=action.outcome,
                next_state=action.next_state,
                failure=failure,
                message=action.reason,
                traceback=log,
                reason=action.reason,
                not_before=not_before,
            )
        )
        self._listener.ended(action.fingerprint, action.next_state, action.reason)
