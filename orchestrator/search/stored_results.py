"""What a search asks the store about jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.driver_partners import impatient

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from db.reader import Reader
    from db.search_store import SearchReader
    from db.store import Store
    from orchestrator.driver_partners import Patience
    from workers.protocol.jobs import EvaluateJob, MeasureJob


class StoredResults:
    """What the store knows of jobs.

    Attributes:
        patiently: How the store is called.

    Args:
        store: The results database.
        reader: Looks things up in it.
        stored: Reads the search.
    """

    def __init__(self, store: Store, reader: Reader, stored: SearchReader) -> None:
        self._store = store
        self._reader = reader
        self._stored = stored
        self._throughputs: dict[str, float] = {}
        self.patiently: Patience = impatient

    def states(self, fingerprints: Collection[str]) -> Mapping[str, str]:
        """Return the state of each of these jobs that exists."""
        return self.patiently(lambda: self._store.job_states(fingerprints))

    def throughput(self, job: MeasureJob) -> float:
        """Return images per second of a measurement that is done."""
        fingerprint = job.fingerprint
        if fingerprint not in self._throughputs:
            newest = self.patiently(lambda: self._reader.measurements_of(fingerprint))[0]
            self._throughputs[fingerprint] = newest.record.images_per_second
        return self._throughputs[fingerprint]

    def top1(self, jobs: Sequence[EvaluateJob]) -> float:
        """Return the percentage of right answers, of the validation images where some were held out."""
        counts = self.patiently(lambda: self._stored.counts_of([job.fingerprint for job in jobs]))
        held_out = "validation_" if all(row["validation_images"] for row in counts) else ""
        images, correct = (sum(row[held_out + name] for row in counts) for name in ("images", "correct"))
        return 100.0 * correct / images
