"""Does a young day's FCR estimate keep its promise? A generated year; every day estimated early, compared with what it came to.

    python benchmarks/fcr_interval.py [--contacts 400] [--seeds 5]

The share of repeats changes with the weekday, drifts over the year and jumps on some bad days; gaps are a mixture of same-day and
later repeats. Aim: at least 90 % of days inside the stated 95 % interval.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from dataclasses import replace

from ivr.records.estimate import between_days, predict, survival

DAY, HOURS = 24, 7 * 24
HISTORY_DAYS = 60


def year(contacts: int, rng: random.Random) -> list[list[tuple[float, float | None]]]:
    """Per day: each contact's end and, where there was one, its repeat's moment, in hours since the year began."""
    days = []
    for day in range(365):
        share = 0.16 + 0.05 * (day % 7 in (5, 6)) + 0.03 * math.sin(2 * math.pi * day / 365) + 0.08 * (rng.random() < 0.03)
        ends = sorted(day * DAY + rng.random() * DAY for _ in range(rng.randint(contacts * 3 // 4, contacts * 5 // 4)))
        days.append([(end, end + _gap(rng) if rng.random() < share else None) for end in ends])
    return days


def _gap(rng: random.Random) -> float:
    return rng.expovariate(1 / 3) if rng.random() < 0.3 else rng.expovariate(1 / 50)


def covered(days: list[list[tuple[float, float | None]]], age_days: int) -> tuple[int, int]:
    """Days inside their interval, and days looked at, when each is estimated `age_days` after its end."""
    inside = looked_at = 0
    for day in range(HISTORY_DAYS, 365 - 8):
        now = (day + 1 + age_days) * DAY
        repeats: Counter[int] = Counter()
        censored: Counter[int] = Counter()
        for known in days[max(0, day + age_days - HISTORY_DAYS) : day + age_days + 1]:
            for end, again in known:
                seen = again is not None and again <= now and again - end < HOURS
                (repeats if seen else censored)[int((again if seen and again is not None else now) - end)] += 1
        mature = days[max(0, day + age_days - HISTORY_DAYS) : day + age_days - 6]
        sizes = [(len(past), sum(again is not None and again - end < HOURS for end, again in past)) for past in mature]
        curve = survival(repeats, censored, repeats.total() + censored.total(), HOURS)
        curve = replace(curve, between_days=between_days(sizes))
        failed = sum(again is not None and again <= now and again - end < HOURS for end, again in days[day])
        waiting = Counter(int(now - end) for end, again in days[day] if again is None or again > now or again - end >= HOURS)
        settled = sum(n for hour, n in waiting.items() if hour >= HOURS)
        found = predict(curve, HOURS, failed, settled, {hour: n for hour, n in waiting.items() if hour < HOURS})
        final = sum(again is None or again - end >= HOURS for end, again in days[day]) / len(days[day])
        if found is not None:
            looked_at += 1
            inside += found.low - 1e-9 <= final <= found.high + 1e-9
    return inside, looked_at


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=400, help="contacts a day, about")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    for age in (0, 1, 3):
        found = [covered(year(given.contacts, random.Random(seed)), age) for seed in range(1, given.seeds + 1)]
        inside, looked_at = sum(i for i, _ in found), sum(n for _, n in found)
        worst = min(i / n for i, n in found)
        print(
            f"{age} days after the day's end: {inside} of {looked_at} days inside ({inside / looked_at:.1%}); worst year {worst:.1%}"
        )


if __name__ == "__main__":
    main()
