"""The worker for background jobs. Nothing that a caller waits for is done here."""

from __future__ import annotations

import redis
from rq import Queue, Retry, SimpleWorker
from rq.timeouts import TimerDeathPenalty

from ivr.errors import SettingError
from ivr.jobs import records
from ivr.jobs.wiring import open_line, use_line
from ivr.settings import Settings

RECORDS = "records"
SLOW = "slow"


def jobs_client(settings: Settings) -> redis.Redis:
    """A patient client: workers wait for jobs, and may retry."""
    if not settings.jobs_redis_url:
        raise SettingError("REDIS_URL is missing: expected the address of a Redis server, such as redis://127.0.0.1:6379/0")
    return redis.Redis.from_url(settings.jobs_redis_url)


class QuietWorker(SimpleWorker):
    """Runs jobs in its own process (a fork each would cost more than the job), and cleans up after dead ones within seconds, not minutes."""

    death_penalty_class = TimerDeathPenalty
    maintenance_interval = 10


def ask_for_record(queue: Queue, call_id: str, noted: int) -> None:
    """Enqueue `close_call` once for a journal of this length."""
    queue.enqueue(
        records.close_call,
        call_id,
        job_id=f"close-{call_id}-{noted}",
        retry=Retry(max=3, interval=[1, 5, 20]),
        result_ttl=60,
        failure_ttl=3600,
        job_timeout=30,
    )


def run_worker(settings: Settings, *, burst: bool = False) -> None:
    """Work until told to stop."""
    use_line(open_line(settings, speech=False))
    client = jobs_client(settings)
    queues = [Queue(RECORDS, connection=client), Queue(SLOW, connection=client)]
    QuietWorker(queues, connection=client, job_monitoring_interval=5, maintenance_interval=10, worker_ttl=60).work(
        burst=burst, with_scheduler=True, logging_level="WARNING"
    )
