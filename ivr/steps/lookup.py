"""`lookup`: fetch a fact."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.call import CallEvent
from ivr.dialogue import goals
from ivr.dialogue.progress import Progress
from ivr.dialogue.steps import LiveStep, come_back
from ivr.dialogue.ways import Way
from ivr.language.fields import Exit, Kind, goes, kind, setting
from ivr.language.values import Expression, Prompt


@kind("lookup")
@dataclass(frozen=True)
class Lookup(LiveStep):
    """Ask a connector of config/connectors.yaml and keep the answer as a fact."""

    lookup: str = setting(Kind.NAME, "The connector.", of="connector", required=True)
    with_: dict[str, Expression] = setting(Kind.ARGUMENTS, "What it is asked with.", yaml_name="with", default={})
    save: str = setting(Kind.NAME, "The fact that holds the answer afterwards.", of="fact", required=True)
    within: float = setting(Kind.DURATION, "How long the caller may be kept waiting for it.", default=2.0, least=0.1, most=3)
    say: Prompt | None = setting(Kind.PROMPT, "What the caller hears meanwhile.", spoken=True)
    not_found: str = goes(Exit.MUST, "Where the call goes when there is no such thing.")
    failed: str = goes(Exit.MUST, "Where the call goes when the answer does not come in time.")
    next: str | None = goes(Exit.FALLS, "Where the call goes with the answer; without it, the step below.")

    def enter(self, progress: Progress) -> Way:
        if self.say is not None and progress.say(self.say) and not progress.secrets:
            return come_back(progress)  # the caller hears it while the next turn asks; secrets would be gone by then
        return self._ask_connector(progress)

    def take(self, progress: Progress, event: CallEvent) -> Way:
        return self._ask_connector(progress)

    def _ask_connector(self, progress: Progress) -> Way:
        arguments = {}
        for name, expression in self.with_.items():
            value = progress.value(expression, secrets=True)
            if value is None:
                progress.note("LookedUp", connector=self.lookup, result="not_found", ms=0.0, cached=False)
                return progress.go("not_found")
            arguments[name] = value
        found = progress.world.look_up(self.lookup, arguments, self.within)
        progress.note("LookedUp", connector=self.lookup, result=found.result, ms=round(found.ms, 1), cached=found.cached)
        if found.result == "found":
            goals.going_on(progress)
            progress.keep_all(self.save, found.fields)
            return progress.go()
        if found.result == "not_found":
            asked = [str(name) for expression in self.with_.values() for name in expression.names]
            progress.session = progress.session.but(doubted=tuple(dict.fromkeys((*progress.session.doubted, *asked))))
            return progress.go("not_found")
        return progress.go("failed")
