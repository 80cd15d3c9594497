"""Addresses written to lead a connector inside: refused when config/ is read, or when connecting, and never connected to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hostile_service import listener

from ivr.configuration import read_configuration
from ivr.connectors.asking import SourceFailed
from ivr.connectors.web import HttpService

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)

WRITTEN = """
https://127.0.0.1:{port}/ https://localhost:{port}/ https://LOCALHOST:{port}/ https://localhost.:{port}/ https://127.1:{port}/
https://127.0.1:{port}/ https://2130706433:{port}/ https://0x7f000001:{port}/ https://0x7f.0.0.1:{port}/ https://0177.0.0.1:{port}/
https://017700000001:{port}/ https://0:{port}/ https://0.0.0.0:{port}/ https://[::1]:{port}/ https://[::]:{port}/
https://[::ffff:127.0.0.1]:{port}/ https://[::ffff:7f00:1]:{port}/ https://[::127.0.0.1]:{port}/ https://[64:ff9b::7f00:1]:{port}/
https://[2002:7f00:1::]:{port}/ https://[fe80::1]:{port}/ https://[fc00::1]:{port}/ https://[fd00::1]:{port}/ https://[fec0::1]:{port}/
https://169.254.169.254/latest/meta-data/ https://[fd00:ec2::254]/ https://100.100.100.200/ https://192.168.0.1/ https://10.0.0.1/
https://172.16.0.1/ https://172.31.255.254/ https://100.64.0.1/ https://192.0.0.8/ https://198.18.0.1/ https://224.0.0.1/
https://255.255.255.255/ https://user@127.0.0.1:{port}/ https://user:secret@orders.example.com/ https://orders.example.com@127.0.0.1:{port}/
https://orders.example.com%40127.0.0.1:{port}/ http://127.0.0.1:{port}/ http://orders.example.com/ gopher://127.0.0.1:{port}/
ftp://127.0.0.1:{port}/ file:///etc/passwd dict://127.0.0.1:{port}/ ldap://127.0.0.1:{port}/ unix:///var/run/docker.sock javascript:alert(1)
data:text/plain,x //127.0.0.1:{port}/ 127.0.0.1:{port} localhost redis://127.0.0.1:6379/ https:// https:/// https://:{port}/
https://{{host}}:{port}/ https://{{host}}/ https://127。0。0。1:{port}/ https://①②⑦.0.0.1:{port}/ https://localhost%00.example.com:{port}/
https://[::1/ https://orders.example.com:99999/ https://orders.example.com:0/ https://orders.example.com:port/
"""
ADDRESSES = WRITTEN.split()


def test_there_are_enough() -> None:
    assert len(ADDRESSES) >= 60


@pytest.mark.parametrize("written", ADDRESSES)
def test_no_address_leads_inside(written: str) -> None:
    with listener() as (port, connections):
        address = written.format(port=port)
        found = read_configuration({"connectors.yaml": _connector(address)})
        if not [problem for problem in found.errors if problem.file == "connectors.yaml"]:
            source = found.connectors["inside"].source
            with pytest.raises(SourceFailed):
                HttpService(source.url, read={"a": "a"}).find({}, 0.3, NOW)  # type: ignore[union-attr]
        assert connections == []


def _connector(address: str) -> str:
    return f"""
connectors:
  inside:
    http: {{url: "{address}", read: {{a: a}}}}
    fields: {{a: text}}
"""
