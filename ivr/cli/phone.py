"""`ivr phone`: be a caller in the terminal, or play a scripted one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from ivr.carriers.local.control_client import ControlClient
from ivr.carriers.local.people.script import ScriptError, read_script
from ivr.cli.phone_screen import PhoneScreen
from ivr.errors import CarrierError, SettingError

DEFAULT_CALLER = "+447700900100"  # a customer of the sample data
HELP = "Type what you say. #1 presses 1, #1234# presses those keys, an empty line is silence, /hangup or Ctrl-C hangs up."
LISTEN_LIMIT_SECONDS = 120.0
LOOK_SECONDS = 0.5  # between two looks whether the phone rings


@dataclass(frozen=True)
class Line:
    """Which carrier to call, and which number."""

    url: str
    token: str
    number: str


def find_line(carrier: str, token: str, to: str) -> Line:
    """From the options, or from what `ivr demo` left in its data folder."""
    if carrier:
        return Line(carrier, token, to)
    path = Path(os.environ.get("IVR_DATA_DIR") or ".ivr").expanduser() / "demo.json"
    try:
        plain: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return Line(plain["carrier_url"], plain["control_token"], to or plain["number"])
    except (OSError, ValueError, KeyError) as error:
        raise SettingError(
            f"no demo found at {path}: start `ivr demo` in another terminal, or name a carrier with --carrier"
        ) from error


@click.command()
@click.option("--from", "from_number", default="", help=f"The number you call from. Default: {DEFAULT_CALLER}, or the script's.")
@click.option("--to", default="", help="The number you dial. Default: the demo's.")
@click.option(
    "--script", "script_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Play a scripted caller (YAML)."
)
@click.option("--carrier", default="", help="Address of a carrier's control API, such as http://127.0.0.1:9090.")
@click.option("--control-token", envvar="IVR_CARRIER_CONTROL_TOKEN", default="", help="The carrier's control token.")
@click.option(
    "--wait", "wait_for_call", is_flag=True, help="Do not call: wait until the service calls --from (a promised callback)."
)
@click.option("--json", "as_json", is_flag=True, help="With --script: print the truth about the call as JSON, and nothing else.")
def phone(
    from_number: str, to: str, script_file: Path | None, carrier: str, control_token: str, wait_for_call: bool, as_json: bool
) -> None:
    """Be a caller in the terminal: prompts come as text, you type what you say.

    \b
    Examples:
      ivr phone
      ivr phone --from +447700900101
      ivr phone --wait --from +447700900101
      ivr phone --script docs/examples/order_caller.yaml
      printf 'where is my order\\n#1234#\\n' | ivr phone
    """
    line = find_line(carrier, control_token, to)
    if script_file:
        code = asyncio.run(_play(line, script_file, from_number, to, as_json))
    else:
        code = asyncio.run(_talk(line, from_number or DEFAULT_CALLER, wait_for_call))
    sys.exit(code)


async def _play(line: Line, file: Path, from_number: str, to: str, as_json: bool) -> int:
    """Play a script; 0 where every expectation held, else 1 with the failures on standard error."""
    text = file.read_text(encoding="utf-8")
    try:
        script = read_script(text)
    except ScriptError as error:
        raise ScriptError(f"{file}: {error}") from error
    screen = PhoneScreen(echo_self=True)
    async with ControlClient(line.url, line.token) as control:
        plain: Any = yaml.load(text, Loader=yaml.BaseLoader)
        call = await control.place(
            script=plain,
            to=to or script.to_number or line.number,
            **{"from": from_number or script.from_number or DEFAULT_CALLER},
        )
        async for happening in control.happenings(call["call_sid"]):
            if not as_json:
                screen.show(happening)
        truth = await _settled(control, call["call_sid"])
    if as_json:
        click.echo(json.dumps(truth, indent=2, ensure_ascii=False))
    for failure in truth["failures"]:
        click.echo(f"{file}: {failure}", err=True)
    if not truth["failures"] and not truth["script_finished"]:
        click.echo(f"{file}: the call ended before the script did", err=True)
        return 1
    return 1 if truth["failures"] else 0


async def _settled(control: ControlClient, call_sid: str) -> dict[str, Any]:
    """The truth once the script has noticed the end of the call, too."""
    truth = await control.truth(call_sid)
    for _ in range(20):
        if truth["failures"] or truth["script_finished"]:
            break
        await asyncio.sleep(0.05)
        truth = await control.truth(call_sid)
    return truth


async def _ringing(control: ControlClient, number: str, screen: PhoneScreen) -> str:
    """Hold the handset of `number` until the service calls it, then pick up; returns the call's sid."""
    await control.ask("PUT", f"people/{number}", {"terminal": True, "name": "You"})
    screen.tell(f"waiting for a call to {number}")
    try:
        while True:
            calls = (await control.ask("GET", f"calls?live=1&to={number.replace('+', '%2B')}"))["calls"]
            if ringing := [call["call_sid"] for call in calls if call["status"] == "ringing" and call["direction"] != "inbound"]:
                screen.tell("your phone rings; you pick up")
                await control.act(ringing[0], "answer")
                return str(ringing[0])
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await control.ask("DELETE", f"people/{number}")


async def _talk(line: Line, from_number: str, wait_for_call: bool) -> int:
    """A person at the keyboard, or lines from a pipe; 0 where the call ended in an ordinary way."""
    typing = sys.stdin.isatty()
    screen = PhoneScreen(typing=typing, echo_self=not typing)
    async with ControlClient(line.url, line.token) as control:
        if wait_for_call:
            sid = await _ringing(control, from_number, screen)
        else:
            screen.tell(f"calling {line.number} from {from_number}")
            sid = (await control.place(to=line.number, name="You", patient=True, **{"from": from_number}))["call_sid"]
        if typing:
            screen.tell(HELP)
        watching = asyncio.create_task(_watch(control, sid, screen))
        # A closed terminal is a put-down handset, too. Where a platform has no such signals or handlers, Ctrl-C still ends the program.
        with contextlib.suppress(NotImplementedError, AttributeError):
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(ending, watching.cancel)
        speaking = asyncio.create_task(_speak(control, sid, screen, typing))
        try:
            await watching
        except asyncio.CancelledError:
            await control.act(sid, "hangup")
            screen.close()
            screen.tell("you hung up")
        finally:
            screen.close()
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        truth = await control.truth(sid)
    return 1 if truth["application_error"] or truth["status"] == "failed" else 0


async def _watch(control: ControlClient, sid: str, screen: PhoneScreen) -> None:
    async for happening in control.happenings(sid):
        screen.show(happening)


async def _speak(control: ControlClient, sid: str, screen: PhoneScreen, typing: bool) -> None:
    """Send what is typed. Lines from a pipe wait until somebody listens."""
    async for text in _lines(screen, typing):
        if not typing and not await screen.listened_to(LISTEN_LIMIT_SECONDS):
            return
        try:
            if text in ("/hangup", "/quit", "/bye"):
                await control.act(sid, "hangup")
            elif text in ("/help", "?"):
                screen.tell(HELP)
            elif not text:
                await control.act(sid, "silence")
            elif text.startswith("#") and len(text) > 1:
                await control.act(sid, "press", keys=text[1:])
            elif not await control.act(sid, "say", text=text):
                screen.tell("nobody is listening just now")
                if not typing:  # who pipes lines in cannot press Enter: to the line, it was silence
                    await control.act(sid, "silence")
        except CarrierError as error:
            screen.tell(str(error))
            return
    if not typing and await screen.listened_to(LISTEN_LIMIT_SECONDS, by_people=False):
        await control.act(sid, "hangup")  # asked again, and nothing is left to say


async def _lines(screen: PhoneScreen, typing: bool) -> AsyncIterator[str]:
    """Lines of standard input. The reading thread is a daemon: a call that ends does not wait for the keyboard."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    screen.read_lines(lambda text: loop.call_soon_threadsafe(lines.put_nowait, text), typing=typing)
    while (text := await lines.get()) is not None:
        yield text.strip()
