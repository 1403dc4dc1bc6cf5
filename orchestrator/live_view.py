"""What a person sees while a sweep runs: one screen that refreshes, or plain lines where there is no terminal."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from db.remaining import StageLeft, remaining
from orchestrator.output import pause_words
from workers.protocol.jobs import STAGES, MeasureJob

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from rich.console import Console, RenderableType
    from typing_extensions import Self

    from db.records import Pause
    from workers.protocol.jobs import Job
    from workers.protocol.orders import Environment

#: States that count as finished, whatever the result.
_OVER = frozenset({"done", "diverged", "failed", "quarantined", "cancelled", "blocked"})
_BAD = frozenset({"failed", "quarantined"})
#: Ends of attempts that a person wants to read about.
_WORTH_A_LINE = frozenset({"diverged", "failed", "quarantined", "queued", "blocked"})


@dataclass(slots=True)
class _SlotLine:
    device: str
    fingerprint: str | None = None
    since: float = 0.0
    done: float = 0.0
    text: str = ""


class LiveView:
    """Shows a running sweep on a console; the driver's ``Listener``.

    Args:
        console: Where to.
        title: The sweep's name.
        jobs: Jobs by fingerprint; those to come among them.
        states: Those of the sweep's at the start.
        rounds_done: How many rounds unfinished measurements have at the start.
    """

    def __init__(
        self,
        console: Console,
        title: str,
        jobs: Mapping[str, Job],
        states: Mapping[str, str],
        rounds_done: Mapping[str, int],
    ) -> None:
        self._console = console
        self._title = title
        self._jobs = jobs
        self._states = {fingerprint: state for fingerprint, state in states.items() if fingerprint in jobs}
        self._slots: dict[str, _SlotLine] = {}
        self._seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}
        self._rounds_done = Counter(rounds_done)
        self._began = time.monotonic()
        self._pause: Pause | None = None
        self._live = Live(
            get_renderable=self._screen,
            console=console,
            refresh_per_second=2,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    # ---- Listener ----------------------------------------------------------------------------------------------

    def added(self, fingerprint: str, state: str) -> None:
        """There is a further job."""
        self._states.setdefault(fingerprint, state)

    def withdrawn(self, fingerprint: str) -> None:
        """Nobody wants a job any more."""
        self._free_slot_of(fingerprint)
        self._states.pop(fingerprint, None)

    def slot(self, slot_id: str, environment: Environment | None) -> None:
        """A slot came or went."""
        if environment is None:
            self._slots.pop(slot_id, None)
        else:
            self._slots[slot_id] = _SlotLine(f"{environment.device}, {environment.threads} thread(s)")
            self.note(f"slot {slot_id}: {self._slots[slot_id].device}")

    def started(self, slot_id: str, fingerprint: str) -> None:
        """A job started on a slot."""
        self._states[fingerprint] = "running"
        if slot_id in self._slots:
            line = self._slots[slot_id]
            line.fingerprint, line.since, line.done, line.text = fingerprint, time.monotonic(), 0.0, ""

    def progressed(self, slot_id: str, done: float, text: str) -> None:
        """The job of a slot is this far."""
        if slot_id in self._slots:
            self._slots[slot_id].done, self._slots[slot_id].text = done, text

    def ended(self, fingerprint: str, state: str, text: str) -> None:
        """A job's attempt ended."""
        self._states[fingerprint] = state
        seconds = self._free_slot_of(fingerprint)
        job = self._jobs[fingerprint]
        if state == "done" and seconds is not None:
            self._seconds[job.stage].append(seconds)
            if not self._console.is_terminal:
                self.note(f"{job.stage:8} done in {seconds:5.1f} s  {job.label}")
        elif state in _WORTH_A_LINE and text:
            self.note(f"{job.stage} {fingerprint[:8]} {state}: {job.label}: {text.splitlines()[0]}")

    def round_done(self, fingerprint: str) -> None:
        """A measurement has one more round and wants another one."""
        self._states[fingerprint] = "queued"
        self._rounds_done[fingerprint] += 1
        seconds = self._free_slot_of(fingerprint)
        job = self._jobs[fingerprint]
        if seconds is not None:
            self._seconds[job.stage].append(seconds)
            if not self._console.is_terminal:
                self.note(f"{job.stage:8} round {self._rounds_done[fingerprint]} in {seconds:5.1f} s  {job.label}")

    def paused(self, pause: Pause | None) -> None:
        """The sweep is paused, or goes on."""
        self._pause = pause
        if pause is None:
            self.note("going on after the pause")
            return
        running = sum(line.fingerprint is not None for line in self._slots.values())
        if running:
            what = "are interrupted" if pause.interrupts else "go on to their end"
            running_jobs = f"{running} running job(s) {what}, "
        else:
            running_jobs = ""
        self.note(f"paused by {pause.by}: {running_jobs}nothing new starts before `orchestrator resume {self._title}`")

    def note(self, text: str) -> None:
        """Something worth a line."""
        elapsed = time.strftime("%H:%M:%S", time.gmtime(time.monotonic() - self._began))
        counts = self._counted()
        progress = f"{counts[0]}/{counts[1]}"
        self._console.print(f"[dim]{elapsed} {progress:>7}[/dim]  {escape(text)}", highlight=False, soft_wrap=True)

    # ---- the screen --------------------------------------------------------------------------------------------

    def _free_slot_of(self, fingerprint: str) -> float | None:
        for line in self._slots.values():
            if line.fingerprint == fingerprint:
                line.fingerprint = None
                return time.monotonic() - line.since
        return None

    def _counted(self) -> tuple[int, int]:
        return sum(state in _OVER for state in self._states.values()), len(self._states)

    def _screen(self) -> RenderableType:
        over, count = self._counted()
        eta = self._seconds_left()
        left = f", about {_duration(eta)} left" if eta is not None and over < count else ""
        if self._pause is not None:
            left = f", {pause_words(self._pause)}"
        head = Text.assemble((self._title, "bold"), f"  {over} of {count} jobs{left}")
        return Group(Text(), head, self._stages(), self._slot_table())

    def _stages(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for stage in STAGES:
            counts = Counter(state for key, state in self._states.items() if self._jobs[key].stage == stage)
            total = sum(counts.values())
            if total == 0:
                continue
            over = sum(number for state, number in counts.items() if state in _OVER)
            words = [
                Text(f"{number} {state}", style="red" if state in _BAD else "")
                for state, number in counts.most_common()
            ]
            table.add_row(stage, ProgressBar(total, over, width=30), f"{over}/{total}", Text(", ").join(words))
        return table

    def _slot_table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for slot_id, line in self._slots.items():
            if line.fingerprint is None:
                table.add_row(slot_id, "", Text("idle", style="dim"), "")
                continue
            job = self._jobs[line.fingerprint]
            seconds = time.monotonic() - line.since
            table.add_row(slot_id, f"{seconds:4.0f} s", f"{job.stage} {job.label}", Text(line.text, style="dim"))
        return table

    def _seconds_left(self) -> float | None:
        """Predict from what this run has seen of each stage; None while a stage has no example."""
        left = remaining(self._left_of(stage) for stage in STAGES)
        return None if left.unknown else left.seconds

    def _left_of(self, stage: str) -> StageLeft:
        seconds = self._seconds[stage]
        open_jobs = [
            key for key, state in self._states.items() if state not in _OVER and self._jobs[key].stage == stage
        ]
        return StageLeft(
            stage=stage,
            attempts=sum(map(self._attempts_left, open_jobs)),
            examples=len(seconds),
            mean_seconds=statistics.fmean(seconds) if seconds else None,
            slots=1 if stage == "measure" else max(1, len(self._slots)),
        )

    def _attempts_left(self, fingerprint: str) -> int:
        job = self._jobs[fingerprint]
        return max(1, job.rounds - self._rounds_done[fingerprint]) if isinstance(job, MeasureJob) else 1


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
