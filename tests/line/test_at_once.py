"""Several commands in one go: all are carried out and read, whatever one of them says, and a server that restarted is found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from ivr.embedded import free_port, start_redis
from ivr.sessions import at_once, connect


def test_answers_come_in_order(redis_url: str) -> None:
    client = connect(redis_url)
    assert at_once(client, ("SET", "a", 1), ("GET", "a"), ("LRANGE", "none", 0, -1)) == ["OK", "1", []]


def test_a_refused_command_leaves_the_others_done_and_the_connection_clean(redis_url: str) -> None:
    client = connect(redis_url)
    with pytest.raises(redis.exceptions.NoScriptError):
        at_once(client, ("SET", "a", "before"), ("EVALSHA", "0" * 40, 0), ("SET", "b", "after"))
    assert at_once(client, ("GET", "a"), ("GET", "b")) == ["before", "after"]


def test_a_server_that_restarted_is_found_again(tmp_path: Path) -> None:
    port = free_port()
    server = start_redis(tmp_path, port=port)
    client = connect(server.url)
    try:
        assert at_once(client, ("SET", "a", "1")) == ["OK"]
        server.stop()
        with pytest.raises(redis.exceptions.RedisError):
            at_once(client, ("GET", "a"))
        server = start_redis(tmp_path, port=port)
        assert at_once(client, ("GET", "a")) == ["1"]
    finally:
        server.stop()
