"""What `ivr phone` shows: a conversation with speakers, readable in a terminal and in a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.text import Text

from ivr.carriers.local.control_client import Happening
from ivr.carriers.local.line import Kind

PROMPT = "› "
_INVITATION = {
    "dtmf": "press keys (#1)",
    "speech": "speak",
    "dtmf speech": "speak, or press keys (#1)",
    "card": "card digits (#4242…)",
}


class PhoneScreen:
    """Prints happenings of a call; knows whether somebody listens now."""

    def __init__(self, *, typing: bool = False, echo_self: bool = False) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self.typing = typing
        self.echo_self = echo_self
        self._terminal = _terminal_state() if typing else None
        self._open: dict[int, str] = {}  # what lasts: index of the entry -> kind
        self._changed = asyncio.Event()
        self._over = False
        self._taken: set[int] = set()  # invitations that a line from a pipe has answered
        self._turn_of_ours = True  # in a talk, people take turns

    def read_lines(self, take: Callable[[str | None], Any], *, typing: bool) -> None:
        """Read standard input in a thread; `take` gets each line, and None at its end."""

        def read() -> None:
            if typing:
                with contextlib.suppress(ImportError):
                    import readline  # noqa: F401  line editing while prompts come in
            while True:
                try:
                    line = input(PROMPT) if typing else sys.stdin.readline()
                except (EOFError, KeyboardInterrupt):
                    line = ""
                    if typing:
                        take("/hangup")
                if (not typing and not line) or (typing and self._over):
                    with contextlib.suppress(RuntimeError):  # the call and its loop are over
                        take(None)
                    return
                with contextlib.suppress(RuntimeError):
                    take(line)

        threading.Thread(target=read, daemon=True, name="keyboard").start()

    def close(self) -> None:
        """The call is over: no more prompt. The keyboard thread may still be editing a line, so the terminal is put back as it was."""
        self._over = True
        self._changed.set()
        if self._terminal is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)

    async def listened_to(self, seconds: float, *, by_people: bool = True) -> bool:
        """Wait until a prompt takes input or (unless not `by_people`) a person is on the line; each invitation is good for one line."""
        try:
            async with asyncio.timeout(seconds):
                while not self._over:
                    for index, kind in self._open.items():
                        if kind == Kind.TALK and by_people and self._turn_of_ours:
                            self._turn_of_ours = False
                            return True
                        if kind in (Kind.LISTENING, Kind.RECORDING) and index not in self._taken:
                            self._taken.add(index)
                            return True
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return False

    def show(self, happening: Happening) -> None:
        """Print one happening, where a caller would notice it."""
        plain = happening.plain
        if happening.event == "end":
            self._over = True
            who = {"service": "the other side hung up", "caller": "hung up", "callee": "hung up"}.get(
                plain["ended_by"], f"ended by the {plain['ended_by']}"
            )
            self.tell(f"call over: {who} ({plain['status']})")
        elif happening.event == "closed":
            self._open.pop(plain["index"], None)
        else:
            if plain.get("seconds", 0) is None:
                self._open[plain["index"]] = plain["kind"]
            self._turn_of_ours = self._turn_of_ours or plain["kind"] == Kind.PERSON
            if line := self._line(plain):
                self._print(line)
        self._changed.set()

    def tell(self, text: str) -> None:
        """A remark of the phone itself."""
        self._print(Text(f"  · {text}", style="dim"))

    def _line(self, plain: dict[str, Any]) -> Text | None:
        kind, text, who = plain["kind"], plain.get("text", ""), plain.get("who", "")
        if kind == Kind.SAY:
            return Text.assemble((f"{who or 'Line'}: ", "bold cyan"), text)
        if kind == Kind.PERSON:
            return Text.assemble((f"{who}: ", "bold green"), text)
        if kind == Kind.SPOKE and self.echo_self:
            return Text.assemble(("You: ", "bold yellow"), text)
        if kind == Kind.PRESSED and self.echo_self:
            return Text.assemble(("You press: ", "bold yellow"), text)
        shown = {
            Kind.RINGING: "ringing …",
            Kind.ANSWERED: "connected",
            Kind.PLAY: f"♪ {text}",
            Kind.MUSIC: "♪ hold music",
            Kind.RINGBACK: "ringing …",
            Kind.TONE: text,
            Kind.RECORDING: "recording: speak, # ends it",
            Kind.QUEUED: "waiting in the queue",
            Kind.LISTENING: f"listening: {_INVITATION.get(text, text)}",
            Kind.NO_INPUT: "silence",
            Kind.TALK: "you are through",
            Kind.HELD: "you are on hold" if text == "held" else "you are back",
            Kind.UNHEARD: f"nobody heard: {text}",
        }.get(kind)
        return Text(f"  · {shown}", style="dim") if shown else None

    def _print(self, line: Text) -> None:
        """Print above the line being typed, and put that line back."""
        if not self.typing:
            self.console.print(line)
            return
        sys.stdout.write("\r\x1b[K")
        self.console.print(line)
        if not self._over:
            sys.stdout.write(PROMPT + _being_typed())
        sys.stdout.flush()


def _terminal_state() -> list[Any] | None:
    """The terminal's settings before line editing changes them; None where there are none to keep."""
    try:
        import termios
    except ImportError:
        return None
    try:
        return termios.tcgetattr(sys.stdin)
    except termios.error:
        return None


def _being_typed() -> str:
    """What stands in the input line now, where line editing is available."""
    readline = sys.modules.get("readline")
    return str(readline.get_line_buffer()) if readline else ""
