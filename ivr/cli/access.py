"""`ivr token`, `ivr user`, `ivr db`: who may come in, and the database they come to."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from ivr.cli.records_store import AS_JSON, opened_store, show_json, show_table
from ivr.records import audit, people, tokens
from ivr.records.rows import plain
from ivr.records.store import Store, utc_now
from ivr.settings import read_settings


@click.group()
def token() -> None:
    """Access tokens of the API.

    Example: ivr token create --role reporting --name "nightly pull" --days 365
    """


@token.command("create")
@click.option("--role", required=True, help=f"One of {', '.join(tokens.ROLES)}.")
@click.option("--name", default="", help="What it is for.")
@click.option("--scope", "scopes", multiple=True, help="Only these scopes instead of the role's.")
@click.option("--agent", help="The agent it belongs to (role agent).")
@click.option("--days", type=click.IntRange(1, 3660), help="Expires after so many days (default: never).")
@AS_JSON
def create_token(role: str, name: str, scopes: tuple[str, ...], agent: str | None, days: int | None, as_json: bool) -> None:
    """Make a token; it is shown once, here.

    Example: TOKEN=$(ivr token create --role reporting --name "my job")
    """
    now = utc_now()
    with opened_store() as store:
        made = tokens.create_token(
            store,
            name=name or role,
            role=role,
            now=now,
            scopes=scopes or None,
            expires_at=now + timedelta(days=days) if days else None,
            agent=agent,
        )
    if as_json:
        show_json({"token": made.secret, "token_id": made.token_id, "role": role})
    else:
        click.echo(made.secret)
        if sys.stdout.isatty():
            click.echo(f"Keep it: it is not shown again. To end it: ivr token revoke {made.token_id}", err=True)


@token.command("list")
@AS_JSON
def list_tokens(as_json: bool) -> None:
    """All tokens, without their secrets.

    Example: ivr token list
    """
    with opened_store() as store:
        rows = [{key: plain(value) for key, value in row.items()} for row in tokens.list_tokens(store)]
    if as_json:
        show_json(rows)
        return
    columns = ("token_id", "name", "role", "made_at", "expires_at", "revoked_at", "used_at")
    show_table("", columns, [[row[c] for c in columns] for row in rows])


@token.command("revoke")
@click.argument("token_id")
def revoke_token(token_id: str) -> None:
    """End a token at once.

    Example: ivr token revoke t0123456789ab
    """
    with opened_store() as store:
        tokens.revoke_token(store, token_id, utc_now())
    click.echo(f"{token_id} is revoked")


@click.group()
def user() -> None:
    """People with a password and a role, for the pages that are to come; programs use `ivr token`.

    Example: ivr user create ana --role agent --agent ana
    """


@user.command("create")
@click.argument("name")
@click.option("--role", required=True, help=f"One of {', '.join(tokens.ROLES)}.")
@click.option("--agent", help="The agent this person is.")
@click.option("--password", help="Asked for where it is not given; avoid it on shared machines.")
def create_user(name: str, role: str, agent: str | None, password: str | None) -> None:
    """Add a person, or give one a new password and role; their sessions end.

    Example: ivr user create sam --role supervisor
    """
    if password is None:
        password = (
            click.prompt("Password", hide_input=True, confirmation_prompt=True)
            if sys.stdin.isatty()
            else sys.stdin.readline().rstrip("\n")
        )
    with opened_store() as store:
        people.create_person(store, name=name, password=password, role=role, now=utc_now(), agent=agent)
    click.echo(f"{name} may sign in as {role}")


@user.command("list")
@AS_JSON
def list_users(as_json: bool) -> None:
    """Everybody who may sign in.

    Example: ivr user list
    """
    with opened_store() as store:
        rows = [{key: plain(value) for key, value in row.items()} for row in people.list_people(store)]
    if as_json:
        show_json(rows)
    else:
        show_table(
            "",
            ("name", "role", "agent", "disabled_at"),
            [[row[c] for c in ("name", "role", "agent", "disabled_at")] for row in rows],
        )


@user.command("disable")
@click.argument("name")
def disable_user(name: str) -> None:
    """End a person's access and their sessions.

    Example: ivr user disable sam
    """
    with opened_store() as store:
        people.disable_person(store, name, utc_now())
    click.echo(f"{name} may no longer sign in")


@click.group()
def db() -> None:
    """The database of records.

    Example: ivr db upgrade
    """


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; safe to repeat, and for several machines at once.

    Example: DATABASE_URL=postgresql://ivr:secret@db.example/ivr ivr db upgrade
    """
    store = Store(read_settings().database_url)
    try:
        before, after = store.upgrade()
    finally:
        store.close()
    click.echo(f"the database is at revision {after}" + ("" if before == after else f" (before: {before or 'empty'})"))


@db.command("audit")
@click.option("--verify", is_flag=True, help="Check that no entry was changed or taken out. Exit 1 where one was.")
@AS_JSON
def show_audit(verify: bool, as_json: bool) -> None:
    """Who did what.

    Example: ivr db audit --verify
    """
    with opened_store() as store:
        if verify:
            broken = audit.verify(store)
            click.echo(
                "the audit log is whole" if broken is None else f"the audit log was changed at or before entry {broken}",
                err=broken is not None,
            )
            sys.exit(broken is not None)
        rows = [{key: plain(value) for key, value in row.items()} for row in audit.entries(store)]
    if as_json:
        show_json(rows)
    else:
        show_table(
            "", ("n", "at", "who", "action", "target"), [[row[c] for c in ("n", "at", "who", "action", "target")] for row in rows]
        )
