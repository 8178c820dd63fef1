"""How AWS IoT Jobs spreads a job and when it cancels it, by the parameters of CreateJob.

The service that the lab stands for does this; the lab queues what it is told to. The numbers are
those that ``rootlet rotate start`` sends (``rootlet.jobs``), read back from what it sends. Source:
AWS IoT developer guide, "Job rollout, scheduling, abort, timeout and retry configurations".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rules:
    """Things a minute at first and at most, how that grows, and what cancels a job."""

    base: int
    most: int
    factor: float
    grow_after: int
    abort_percent: float
    abort_after: int

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> Rules:
        """Return the rules that CreateJob was told."""
        rollout = parameters["jobExecutionsRolloutConfig"]
        grows = rollout["exponentialRate"]
        (abort,) = parameters["abortConfig"]["criteriaList"]
        return cls(
            base=grows["baseRatePerMinute"],
            most=rollout["maximumPerMinute"],
            factor=grows["incrementFactor"],
            grow_after=grows["rateIncreaseCriteria"]["numberOfSucceededThings"],
            abort_percent=abort["thresholdPercentage"],
            abort_after=abort["minNumberOfExecutedThings"],
        )

    def rate(self, succeeded: int) -> float:
        """Return how many things a minute get the job, after so many have succeeded."""
        steps = succeeded // self.grow_after
        # Past 64 steps of the smallest factor, 1.1, any rate is at its most.
        return min(self.base * self.factor ** min(steps, 64), self.most)

    def aborts(self, ended: int, failed: int) -> bool:
        """Whether the job is cancelled: ``failed`` of those that ``ended`` are too many."""
        return ended >= self.abort_after and 100 * failed >= self.abort_percent * ended
