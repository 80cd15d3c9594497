"""Rules that hold while a file is read; the readers enforce them, here they are named and explained."""

from __future__ import annotations

from ivr.language.problems import WARNING
from ivr.language.rules.registry import declare

declare("yaml", "The file cannot be read as YAML, and the cause is none of the usual ones.")
declare("tab", "YAML is indented with spaces; a tab looks like several of them and is none.")
declare("indentation", "Indentation says what belongs together; this line belongs to nothing.")
declare("needs-quotes", "Some characters mean something else to YAML, so a sentence that has them stands in quotes.")
declare("unbalanced-quote", "A quote that is not closed swallows the rest of the file.")
declare("unbalanced-bracket", "A bracket that is not closed swallows the rest of the file.")
declare("missing-colon", "The name of a step or setting ends with a colon.")
declare("missing-space", "`key:1` is one word to YAML; a setting needs a space after its colon.")
declare(
    "plain-yaml-only",
    "Anchors, aliases, merge keys, tags and second documents make a file that reads differently from what it says. "
    "Reuse is by `run` (another flow) and `go` (another step).",
)
declare("duplicate-key", "YAML would silently keep the last of two settings of one name.")
declare("too-large", "Limits keep a damaged or hostile file from slowing the line down: 256 kB, 5,000 parts, 500 steps.")
declare("too-deep", "No setting is nested more than a few levels deep.")
declare("encoding", "Flows are UTF-8 text; in any other encoding accents and quotes would be spoken as rubbish.")
declare("control-character", "Invisible characters are never spoken, and may hide what a file says.")
declare("format", "`format` is the version of this language, so that a newer file is not misread by an older program.")
declare("unknown-kind", "A step does one of the things this program knows.")
declare("verb-first", "The first line of a step says what it does, so that a flow can be read aloud.")
declare("unknown-setting", "A misspelt setting would silently do nothing.")
declare("missing-setting", "Something that the step cannot do without.")
declare("missing-exit", "Every ending that can happen has a place to go: a caller is never left in silence.", met=True)
declare("step-name", "Names appear in reports, figures and messages: small letters, digits and _; `return` is reserved.")
declare("wrong-value", "The setting holds something else than it should.")
declare("out-of-range", "The figure is outside of what makes sense or of what the carrier does.")
declare("expression", "Conditions are comparisons of facts, text and numbers; nothing else can be said in them.")
declare("prompt", "In a prompt, {{ fact.field | reading }} is the only thing that is not spoken as it stands.")
declare("cut-short", "YAML takes everything after ` #` for a comment: callers would hear half a sentence.", met=True)
declare("duplicate-flow", "Two flows of one name cannot both be run.")
declare("unknown-file-language", "A file of translations for a language that no flow speaks is never used.", severity=WARNING)
