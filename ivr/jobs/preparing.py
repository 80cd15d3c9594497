"""What has to be there before the first call: tables, a published revision, a trained model, agents on the board."""

from __future__ import annotations

import click
import redis

from ivr.errors import StoreUnavailable
from ivr.intents.training import ensure_current
from ivr.jobs.wiring import open_line
from ivr.records.tokens import create_token
from ivr.settings import Settings
from routing.model import AgentState


def prepare(settings: Settings) -> None:
    """Upgrade an SQLite or empty database, publish flows/ where nothing is published, train where needed, configure the board."""
    line = open_line(settings, speech=False)
    try:
        line.redis.ping()
    except redis.exceptions.RedisError as error:
        raise StoreUnavailable(
            "REDIS_URL names a Redis that does not answer: start it, or unset REDIS_URL to use the embedded one"
        ) from error
    try:
        line.store.prepare()
        published = line.revisions.publish_first(settings.flows_dir)
        if published:
            click.echo(f"ivr: published {settings.flows_dir.name}/ as revision {published}")
        if ensure_current(settings.config_dir, settings.models_dir):
            click.echo("ivr: trained the intents of config/intents.yaml")
        line.configure_board()
    finally:
        line.store.close()


def demo_agents(settings: Settings) -> str:
    """Sign every configured agent in; returns a fresh token that may read records and set agents' states."""
    line = open_line(settings, speech=False)
    try:
        for agent_id in line.configuration.agents:
            if line.board.agent(agent_id).state in (AgentState.OFFLINE, AgentState.MISSED, AgentState.UNREACHABLE):
                line.board.set_state(agent_id, AgentState.AVAILABLE)
        return create_token(line.store, role="supervisor", name="demo", now=line.now()).secret
    finally:
        line.store.close()
