"""Slots on Ray: one actor per slot, kept for the whole run.

The only file that knows Ray. Ray places the actors and carries the messages; every retry of its own is off, because
the scheduler decides what is tried again. An actor that dies is news, not a verdict on its job.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from orchestrator.errors import ImpossibleHereError, OrchestratorError
from orchestrator.scheduling.events import Slot
from orchestrator.slots.supervisor import Supervisor
from orchestrator.slots.worker_files import remove_copy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.slots.request import SlotRequest
    from orchestrator.slots.supervisor import News
    from orchestrator.slots.worker_process import WorkerSettings
    from workers.protocol.orders import Environment, Order

#: How long an actor waits for news before it answers "nothing", seconds.
POLL_SECONDS = 5.0
#: How often a slot is started before it is left alone.
START_TRIES = 3
#: How long the workers get to end when the run is over, seconds.
CLOSE_SECONDS = 15.0
#: How long a cluster's head may take to answer the first call, seconds.
CONNECT_SECONDS = 10.0
#: Smallest object store that Ray accepts, bytes; nothing large passes through it.
OBJECT_STORE_BYTES = 80 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SlotArrived:
    """A slot is up.

    Attributes:
        slot: The slot.
        environment: What its worker found.
    """

    slot: Slot
    environment: Environment


@dataclass(frozen=True, slots=True)
class SlotDied:
    """A slot's actor is gone.

    Attributes:
        slot_id: Which.
        message: Why, for a person.
    """

    slot_id: str
    message: str


@dataclass(frozen=True, slots=True)
class SlotNews:
    """Something that a slot reported.

    Attributes:
        slot_id: Which slot.
        news: What.
    """

    slot_id: str
    news: News


PoolEvent = SlotArrived | SlotDied | SlotNews


class RayPool:
    """Slots on a local Ray or on a cluster.

    Args:
        address: Of a running cluster; None starts a local one that ends with this process.
        resources: What a local one is told that the machine has besides processors and GPUs, such as IPUs.
    """

    def __init__(self, address: str | None, resources: Mapping[str, float] | None = None) -> None:
        if address is not None:
            _check_reachable(address)
        self._local = address is None
        self._directory = _private_directory() if self._local else None
        self._actors: dict[str, Any] = {}
        self._nodes: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._waiting: dict[Any, str] = {}
        self._starting: dict[Any, str] = {}
        self._failed_starts: Counter[str] = Counter()
        _init_ray(address, self._directory, resources or {})

    def kinds(self) -> frozenset[str]:
        """Return the kinds of slot that could be made of the machines that are there."""
        names = {name for node in _alive_nodes() for name, amount in node.resources.items() if amount > 0}
        return frozenset(kind for name, kind in (("CPU", "cpu"), ("GPU", "cuda"), ("IPU", "ipu")) if name in names)

    def start(self, requests: Sequence[SlotRequest]) -> None:
        """Make an actor for every slot that the machines have and that is not there yet.

        Call it again to take in machines that joined or came back.
        """
        for node in _alive_nodes():
            for request in requests:
                for index in range(request.count_on(node.resources)):
                    slot_id = f"{request.kind}-{index}" if self._local else f"{request.kind}-{node.name}-{index}"
                    if slot_id not in self._actors and self._failed_starts[slot_id] < START_TRIES:
                        self._make_actor(slot_id, request, node)

    @property
    def starting(self) -> bool:
        """Whether slots were made that have not arrived yet."""
        return bool(self._starting)

    def events(self, timeout: float) -> list[PoolEvent]:
        """Return what happened on any slot, waiting up to ``timeout`` seconds."""
        import ray

        pending = [*self._waiting, *self._starting]
        if not pending:
            return []
        ready, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        if not ready:
            ready, _ = ray.wait(pending, num_returns=1, timeout=timeout)
        return [event for ref in ready for event in self._take(ref)]

    def send(self, slot_id: str, order: Order) -> None:
        """Give the slot its next order."""
        self._actors[slot_id].submit.remote(order)

    def stop_attempt(self, slot_id: str, fingerprint: str, attempt: int) -> None:
        """End an attempt that runs on the slot."""
        if slot_id in self._actors:
            self._actors[slot_id].stop_attempt.remote(fingerprint, attempt)

    def rest(self, slot_id: str) -> None:
        """Let a slot free its memory and its device, after what runs on it, until its next order."""
        if slot_id in self._actors:
            self._actors[slot_id].rest.remote()

    def retire(self, slot_id: str) -> None:
        """Let a slot go for good: its device is broken, and no other slot is made in its place."""
        import ray

        self._failed_starts[slot_id] = START_TRIES
        self._waiting = {ref: other for ref, other in self._waiting.items() if other != slot_id}
        actor = self._actors.pop(slot_id, None)
        if actor is not None:
            ray.wait([actor.close.remote()], timeout=CLOSE_SECONDS)
            ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """End all workers, the actors, and a local Ray; a second time does nothing."""
        import ray

        actors, self._actors = list(self._actors.values()), {}
        closing = [actor.close.remote() for actor in actors]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
        for actor in actors:
            ray.kill(actor, no_restart=True)
        ray.shutdown()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    # ---- actors ------------------------------------------------------------------------------------------------

    def _make_actor(self, slot_id: str, request: SlotRequest, node: _Node) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor_class = ray.remote(SlotActor).options(
            num_cpus=request.cpus,
            num_gpus=request.gpus,
            resources=request.custom_resources,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=4,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.node_id, soft=False),
        )
        self._actors[slot_id] = actor_class.remote(request.settings, slot_id)
        self._nodes[slot_id] = node.name
        self._kinds[slot_id] = request.kind
        self._starting[self._actors[slot_id].start.remote()] = slot_id

    def _take(self, ref: Any) -> Iterator[PoolEvent]:
        import ray

        started = ref in self._starting
        slot_id = self._starting.pop(ref) if started else self._waiting.pop(ref)
        try:
            answer = ray.get(ref)
        except ray.exceptions.RayError as error:
            self._failed_starts[slot_id] += started
            actor = self._actors.pop(slot_id, None)
            if actor is not None:
                ray.kill(actor, no_restart=True)
            cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
            yield SlotDied(slot_id, str(cause) if isinstance(cause, OrchestratorError) else _first_line(cause))
            return
        if started:
            slot = Slot(
                slot_id=slot_id,
                kind=self._kinds[slot_id],
                node=self._nodes[slot_id],
                environment_key=answer.key,
            )
            yield SlotArrived(slot, answer)
        else:
            yield from (SlotNews(slot_id, item) for item in answer)
        self._waiting[self._actors[slot_id].news.remote(POLL_SECONDS)] = slot_id


class SlotActor:
    """What runs inside Ray for each slot: a supervisor, called from outside."""

    def __init__(self, settings: WorkerSettings, slot_id: str) -> None:
        self._supervisor = Supervisor(settings, slot_id)

    def start(self) -> Environment:
        """See ``Supervisor.start``."""
        return self._supervisor.start()

    def submit(self, order: Order) -> None:
        """See ``Supervisor.submit``."""
        self._supervisor.submit(order)

    def stop_attempt(self, fingerprint: str, attempt: int) -> None:
        """See ``Supervisor.stop_attempt``."""
        self._supervisor.stop_attempt(fingerprint, attempt)

    def rest(self) -> None:
        """See ``Supervisor.rest``."""
        self._supervisor.rest()

    def news(self, timeout: float) -> list[News]:
        """See ``Supervisor.news``."""
        return self._supervisor.news(timeout)

    def close(self) -> None:
        """See ``Supervisor.close``; what the worker was started from goes with it."""
        self._supervisor.close()
        remove_copy()


@dataclass(frozen=True, slots=True)
class _Node:
    node_id: str
    name: str
    resources: dict[str, float]


def _alive_nodes() -> list[_Node]:
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [_Node(one["NodeID"], one["NodeManagerHostname"], one["Resources"]) for one in nodes if one["Alive"]]


def _init_ray(address: str | None, directory: Path | None, resources: Mapping[str, float]) -> None:
    """Start or join Ray, quietly, with token authentication, importing nothing from where we stand."""
    _set_ray_variables(directory)
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    empty = Path(tempfile.mkdtemp(prefix="frontsweep-empty-", dir=directory))
    common: dict[str, Any] = {
        "runtime_env": {"working_dir": str(empty)},  # else Ray puts the current directory first on the workers' path
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "configure_logging": True,
    }
    try:
        if directory is None:
            ray.init(address=address, **common)
        else:
            ray.init(
                address="local",  # never a cluster that somebody else runs on this machine
                num_cpus=len(os.sched_getaffinity(0)),
                resources=dict(resources),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(directory / "ray"),
                **common,
            )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
        where = f"the Ray cluster at {address}" if directory is None else "a local Ray"
        raise ImpossibleHereError(f"could not reach {where}: {_first_line(error)}", hint="check --address") from error


def _check_reachable(address: str) -> None:
    """Find out in seconds what Ray takes minutes for: nobody listens there.

    Raises:
        ImpossibleHereError: Not an address, or nobody answers.
    """
    if address == "auto":  # the cluster that this machine is part of
        return
    host, _, port = address.rpartition(":")
    hint = "give the host:port that `ray start --head` printed, or auto on a machine of the cluster"
    if not host or not port.isdecimal() or "/" in host:
        raise ImpossibleHereError(f"--address {address}: not a host and a port", hint=hint)
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ImpossibleHereError(f"--address {address}: no Ray cluster answers there: {error}", hint=hint) from error


def _set_ray_variables(directory: Path | None) -> None:
    """Set what Ray reads from the environment when it is imported."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if directory is None:
        return
    # Ray's memory monitor would kill an actor, not the worker behind it; the system's own killer takes the worker.
    os.environ["RAY_memory_monitor_refresh_ms"] = "0"  # noqa: SIM112  # Ray's own spelling
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  # else measurements run behind everybody else's programs
    token = directory / "token"
    descriptor = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    os.environ.pop("RAY_AUTH_TOKEN", None)


def _private_directory() -> Path:
    """Make a directory for a local Ray's files, and remove those that killed drivers left behind.

    Its path is short, since Ray puts sockets below it, and nobody else may look inside.
    """
    base = Path(tempfile.gettempdir()) / f"frontsweep-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise ImpossibleHereError(f"{base} belongs to another user", hint="remove it or set TMPDIR")
    for old in base.iterdir():
        if old.name.isdecimal() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    directory = base / str(os.getpid())
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    return directory


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
