"""Reading the section `text_survey` of config/reports.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from ivr.configuration.reading import Table
from ivr.records.quiet_hours import read_hours
from ivr.records.record import Outcome
from ivr.records.text_survey import TextQuestion, TextSurvey

SCALES = {"resolved": (0, 1), "csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
_DAY = 86400.0
_LONGEST = 320  # two message segments for each part


def read_text_survey(table: Table | None) -> TextSurvey | None:
    """The survey, None where there is none or it asks nobody (`share: 0%`). Problems are noted in the table's findings."""
    if table is None:
        return None
    questions = tuple(q for t in table.items("questions", "question") if (q := _question(t)))
    usual = TextSurvey(())
    survey = TextSurvey(
        questions,
        outcomes=frozenset(table.names("outcomes", tuple(Outcome), "outcome")) or usual.outcomes,
        share=table.share("share", usual.share),
        after=timedelta(seconds=table.duration("after", usual.after.total_seconds(), 0, _DAY)),
        between=table.read("between", read_hours, usual.between, 'hours of a day such as "09:00-20:00", an hour or more'),
        ask_within=timedelta(seconds=table.duration("ask_within", usual.ask_within.total_seconds(), 3600, 7 * _DAY)),
        not_again_for=timedelta(seconds=table.duration("not_again_for", usual.not_again_for.total_seconds(), 0, 366 * _DAY)),
        unreachable_for=timedelta(
            seconds=table.duration("unreachable_for", usual.unreachable_for.total_seconds(), _DAY, 366 * _DAY)
        ),
        answer_within=timedelta(seconds=table.duration("answer_within", usual.answer_within.total_seconds(), 3600, 30 * _DAY)),
        opening=table.mapping("opening", _LONGEST),
        manner=table.mapping("manner", _LONGEST),
        unclear=table.mapping("unclear", _LONGEST),
        thanks=table.mapping("thanks", _LONGEST),
    )
    table.close()
    if not questions:
        table.problem("questions", "missing-setting", "The text survey asks nothing.", "Write at least one question.")
        return None
    if len({q.question for q in questions}) < len(questions):
        table.problem("questions", "wrong-value", "The text survey asks the same twice.", "Ask each question once.")
        return None
    _complete(table, questions, {n: getattr(survey, n) for n in ("opening", "manner", "unclear", "thanks")})
    return survey if survey.share > 0 else None


def _question(table: Table) -> TextQuestion | None:
    name = table.choice("question", tuple(SCALES), "", hint=f"Write one of: {', '.join(SCALES)}.")
    least, most = SCALES.get(name, (1, 5))
    written = table.text("scale", f"{least}-{most}")
    direction = table.choice("direction", ("up", "down"), "up")
    ask = table.mapping("ask", _LONGEST)
    table.close()
    low, dash, high = written.partition("-")
    if not (dash and low.isdigit() and high.isdigit() and int(low) < int(high) <= 10):
        table.problem("scale", "wrong-value", f'"{written}" is no scale.', "Write one such as 1-5 or 0-10.")
        return None
    if name == "resolved" and written != "0-1":
        table.problem("scale", "wrong-value", "Whether it is solved is answered with yes or no.", "Leave the scale out.")
        return None
    if not name or not ask:
        table.required("ask", "Write the question below it in each language, such as en-GB: How content are you?")
        return None
    return TextQuestion(name, ask, int(low), int(high), direction)


def _complete(table: Table, questions: tuple[TextQuestion, ...], parts: Mapping[str, Mapping[str, str]]) -> None:
    """Nobody gets a message in two languages: each part has the languages of the first question."""
    languages = set(questions[0].ask)
    wanting = [q.question for q in questions if set(q.ask) != languages]
    wanting += [name for name, words in parts.items() if words and set(words) != languages]
    for name in wanting:
        table.problem(
            name if name in parts else "questions",
            "wrong-value",
            f'"{name}" of the text survey is not in the languages of the first question.',
            f"Write it in {', '.join(sorted(languages))}.",
        )
