"""One connector of config/connectors.yaml: a table, a SELECT or an HTTP service, with what protects it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ivr.configuration.model import Breaker, Connector, HttpSource, SqlSource, TableSource
from ivr.configuration.reading import Table, whole_of
from ivr.language.names import FIELD_TYPES
from ivr.language.problems import quoted
from ivr.language.source import Mapping as MappingNode

SLOWEST_SECONDS = 3.0
"""No look-up may keep a caller waiting longer."""
_ARGUMENT = re.compile(r"\{([^{}]*)\}")
_SETTING = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


def read_connector(name: str, table: Table) -> Connector:
    """Also where its source cannot be read: what uses it is then not reported in its turn."""
    sorts = [key for key in ("table", "sql", "http") if table.has(key)]
    if len(sorts) != 1:
        table.findings.add(
            table.node.at, "missing-setting", f'The connector "{name}" has {"more than one" if sorts else "no"} source.',
            "Add exactly one of: table, sql, http.",
        )  # fmt: skip
    table.required("fields", "Add what it finds, such as fields: {status: text, due: date}.")
    fields = {}
    types = table.table("fields")
    for key in types.names_written() if types is not None else ():
        if types is not None:
            fields[key] = types.choice(key, FIELD_TYPES, "text", "type")
    find = table.mapping("find", most=200)
    source: TableSource | SqlSource | HttpSource | None = None
    if sorts == ["table"]:
        table.required("find", "Add which column to search, such as find: {number: number}.")
        source = TableSource(_path(table), table.choice("latest", fields, "", "field") or None)
    elif sorts == ["sql"]:
        source = _sql(table, find)
    elif sorts == ["http"]:
        source = _http(table, find)
    breaker = table.table("breaker")
    connector = Connector(
        name,
        title=table.text("title", name, most=200),
        source=source or TableSource(""),
        find=find,
        fields=fields,
        cache_seconds=table.duration("cache", 0.0, 0.0, 86400.0),
        within_seconds=table.duration("within", 1.0, 0.05, SLOWEST_SECONDS),
        breaker=Breaker(breaker.whole("failures", 3, 1, 1000), breaker.duration("rest", 15.0, 1.0, 3600.0))
        if breaker
        else Breaker(),
        private=table.flag("private", False),
    )
    if breaker is not None:
        breaker.close()
    table.close()
    return connector


def _path(table: Table) -> str:
    path = table.text("table", expected="a file such as sample/customers.csv")
    parts = path.split("/")
    if path and (path.startswith("/") or ".." in parts or "\\" in path or not path.endswith(".csv")):
        table.problem(
            "table",
            "wrong-path",
            f"{quoted(path)} is no CSV file of the configuration folder.",
            "Write it like sample/customers.csv.",
        )
        return ""
    return path


def _sql(table: Table, find: Mapping[str, str]) -> SqlSource | None:
    block = table.table("sql")
    if block is None:
        return None
    block.required(
        "database", "Add the environment setting that holds the database's address, such as database: CRM_DATABASE_URL."
    )
    block.required("query", "Add one SELECT, such as query: SELECT status FROM orders WHERE number = :number.")
    database = block.read("database", _setting, "", "the name of an environment setting such as CRM_DATABASE_URL")
    query = block.text("query", most=4000)
    if query and (not re.match(r"\s*(select|with)\b", query, re.I) or ";" in query):
        block.problem("query", "wrong-query", "The query is not one SELECT.", "Write a single SELECT without semicolons.")
        query = ""
    bound = set(re.findall(r"(?<![:\w]):([a-z][a-z0-9_]*)", query))
    _arguments_agree(block, "query", bound, set(find), ":")
    block.close()
    return SqlSource(database, query) if database and query else None


def _http(table: Table, find: Mapping[str, str]) -> HttpSource | None:
    block = table.table("http")
    if block is None:
        return None
    block.required("url", "Add the address, such as url: https://orders.example.com/v1/orders/{number}.")
    block.required("read", "Add where the fields stand in the answer, such as read: {status: order.status}.")
    url = block.text("url", most=2000)
    networks = []
    for item in block.texts("networks"):
        try:
            networks.append(str(ipaddress.ip_network(item.value)))
        except ValueError:
            block.findings.add(
                item.at,
                "wrong-network",
                f"{quoted(item.value)} is no network.",
                "Write it like 10.20.0.0/16.",
                length=len(item.value),
            )
    source = HttpSource(
        url,
        block.choice("method", ("GET", "POST"), "GET"),
        block.mapping("query"),
        block.mapping("headers"),
        block.mapping("body"),
        block.mapping("read"),
        tuple(code for item in block.texts("not_found_on") if (code := whole_of(item.value)) is not None) or (404,),
        tuple(networks),
    )
    if url and not _is_web_address(url):
        block.problem(
            "url",
            "wrong-address",
            f"{quoted(url)} is no address of a web service.",
            "Write https://HOST/PATH, with {arguments} after the host only.",
        )
        return None
    if url.startswith("http:") and not networks:
        block.problem(
            "url",
            "not-encrypted",
            "This address is not encrypted.",
            "Write https://, or name the private network under `networks`.",
        )
        return None
    used = {argument for text in (url, *source.query.values(), *source.body.values()) for argument in _ARGUMENT.findall(text)}
    _arguments_agree(block, "url", used, set(find), "")
    for key, value in source.headers.items():
        for setting in re.findall(r"\$\{([^}]*)\}", value):
            if not _SETTING.fullmatch(setting):
                block.problem(
                    "headers",
                    "wrong-value",
                    f'The header "{key}" names {quoted(setting)}.',
                    "Write an environment setting like ${ORDERS_TOKEN}.",
                )
    fields = table.node.get("fields")
    for name in fields.keys() if isinstance(fields, MappingNode) else ():
        if name not in source.read:
            block.problem(
                "read", "missing-setting", f'"read" does not say where "{name}" stands.', "Add it, such as status: order.status."
            )
    block.close()
    return source if url else None


def _is_web_address(url: str) -> bool:
    """An ASCII address with a plain host: no name and password, no argument before the path."""
    try:
        parts = urlsplit(url)
        return (
            url.isascii()
            and url.isprintable()
            and " " not in url
            and parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and parts.username is None
            and "{" not in parts.netloc
            and "%" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:
        return False


def _arguments_agree(block: Table, key: str, used: set[str], declared: set[str], sign: str) -> None:
    for name in sorted(used - declared):
        block.problem(
            key,
            "unknown-argument",
            f"{quoted(sign + name)} is no argument of this connector.",
            f"Add it under find: {{{name}: {name}}}.",
        )
    for name in sorted(declared - used):
        block.problem(
            key, "unused-argument", f'The argument "{name}" is not used here.', f"Use it, or delete it under find: {{{name}: …}}."
        )


def _setting(text: str) -> str | None:
    return text if _SETTING.fullmatch(text) else None
