"""`ivr callers erase`: a number and a name are planted wherever a caller leaves traces, and no byte of them remains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from click.testing import CliRunner

from ivr import keys
from ivr.cli.callers import callers
from ivr.cli.erasing import erase_everywhere
from ivr.embedded import start_redis
from ivr.errors import RecordError
from ivr.notes import Note
from ivr.records.saving import close_call
from ivr.records.stats import figures, read_stats_query
from ivr.records.store import Store
from ivr.records.subscriptions import Subscription
from ivr.records.tables import utterances
from ivr.records.utterances import label_utterances
from ivr.sessions import connect
from routing.board import Board
from routing.callbacks import Callback, Ledger
from routing.model import Queue
from tests.records.conftest import NOW
from tests.records.journals import answered, journal

NUMBER, NAME, PHRASE = "+447700900777", "Quentin Rarename", "where did Rarename's parcel go"


@dataclass
class Place:
    """A service's folders with its Redis, as `ivr serve` leaves them."""

    folder: Path
    store: Store
    client: redis.Redis


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store = Store(
        f"sqlite:///{tmp_path / 'ivr.sqlite'}",
        clock=lambda: NOW,
        subscriptions=(Subscription("https://example.com/x", "s" * 20),),
    )
    store.upgrade()
    server = start_redis(tmp_path / "redis", keep=True)
    client = connect(server.url, seconds=5.0)
    yield Place(tmp_path, store, client)
    client.close()
    server.stop()
    store.close()


def _live(place: Place, call_id: str, notes: list[Note], *, ended: bool = True) -> None:
    place.client.set(keys.session(call_id), json.dumps({"turn": 3, "facts": {"caller": {"number": NUMBER, "name": NAME}}}))
    place.client.rpush(keys.journal(call_id), *(note.to_json() for note in notes))
    place.client.hset(keys.answers(call_id), "d1", f"<Say>Hello {NAME}</Say>")
    place.client.hset(keys.talk(call_id), "caller", NUMBER)
    place.client.zadd(keys.CLOSING if ended else keys.OPEN, {call_id: 1.0})


def _spoken(call_id: str) -> list[Note]:
    return journal(
        call_id, NOW, (1, "Recognised", {"customer_id": "c9", "customer_name": NAME}), (5, "Heard", {"step": "m", "mode": "speech", "text": PHRASE}),
        (5, "NotUnderstood", {"step": "m", "text": PHRASE}), (9, "Ended", {"ended_by": "caller"}), number=NUMBER,
    )  # fmt: skip


def _traces(folder: Path) -> list[str]:
    return [
        str(f.relative_to(folder))
        for f in folder.rglob("*")
        if f.is_file() and (NUMBER.encode() in f.read_bytes() or b"Rarename" in f.read_bytes())
    ]


def test_no_byte_of_a_caller_remains(place: Place) -> None:
    answered(place.store, "A", NOW, number=NUMBER)
    close_call(place.store, _spoken("B"), NOW)
    _live(place, "B", _spoken("B"))
    _live(place, "LATE", _spoken("LATE"))  # over, and not yet recorded
    answered(place.store, "C", NOW, number="+447700900123")
    with place.store.reading() as connection:
        label_utterances(place.store, list(connection.scalars(sa.select(utterances.c.n))), "order_status", "sam", NOW)
    board = Board(place.client)
    board.configure([], [Queue("general")])
    Ledger(place.client, board).place(
        Callback("cb1", NUMBER, "general", board.now(), at=board.now() + 3600, context={"name": NAME})
    )
    examples = place.folder / "config" / "intents.yaml"
    examples.parent.mkdir()
    examples.write_text(f"intents:\n  order_status:\n    - {PHRASE}\n")
    assert len(_traces(place.folder)) >= 3
    ask = {"from": ["2026-03-02"], "to": ["2026-03-03"]}

    erased = erase_everywhere(place.store, NUMBER, NOW, "sam", client=place.client, folders=[place.folder])

    assert (erased.receipt.removed["calls"], erased.live) == (3, {"calls": 2, "callbacks": 1})
    assert erased.left == (f"{examples}:3",)
    examples.unlink()
    totals = figures(place.store, read_stats_query(ask, place.store, NOW), NOW)["totals"]
    assert totals["contacts"]["value"] == 4
    assert place.client.zcard(keys.CLOSING) == 0
    assert not list(place.client.scan_iter("ivr:{*"))
    place.store.close()
    assert _traces(place.folder) == []
    with pytest.raises(RecordError, match="nothing is kept"):
        erase_everywhere(place.store, NUMBER, NOW, "sam", client=place.client, folders=[])


def test_a_caller_on_the_line_is_not_erased_under_their_feet(place: Place) -> None:
    _live(place, "NOW", _spoken("NOW")[:-1], ended=False)
    with pytest.raises(RecordError, match="in progress"):
        erase_everywhere(place.store, NUMBER, NOW, "sam", client=place.client, folders=[])
    assert place.client.exists(keys.session("NOW"))


def test_the_command_prints_a_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows").mkdir()
    monkeypatch.setenv("IVR_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    store = Store(f"sqlite:///{tmp_path / 'ivr.sqlite'}")
    store.upgrade()
    answered(store, "A", NOW, number=NUMBER)
    store.close()
    done = CliRunner().invoke(callers, ["erase", NUMBER, "--yes"])
    assert done.exit_code == 0, done.output
    receipt = json.loads(done.stdout)
    assert (receipt["removed"]["calls"], receipt["live"], receipt["left"]) == (1, None, [])
    assert NUMBER not in done.stdout
