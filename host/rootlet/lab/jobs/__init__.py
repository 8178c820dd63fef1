"""AWS IoT Jobs over MQTT, as far as a device sees it.

``store`` holds the rules of executions, ``requests`` those of the messages, both without clock
or network; ``service`` puts them on the lab's broker. Sources: AWS IoT developer guide (Jobs,
device communication), the botocore models ``iot`` and ``iot-jobs-data``; tests hold the answers
against ``ministack``. Not here: targets that are groups, rollouts, retries, schedules.
"""

from rootlet.lab.jobs.service import JobService
from rootlet.lab.jobs.store import Execution, JobError

__all__ = ["Execution", "JobError", "JobService"]
