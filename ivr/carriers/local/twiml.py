"""Reads an answer to a webhook as TwiML, as strictly as the contract has it; finds every complaint instead of the first."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from ivr.carriers.local.debugger import Severity
from ivr.carriers.local.twiml_rules import SSML, VERBS, VerbRule, check_text

MOST_BYTES = 64 * 1024
XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})


@dataclass(frozen=True)
class Verb:
    """One element: its name, checked attributes (wrong ones are dropped), text and children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: tuple[Verb, ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """An attribute's value, or `default` where it is not given."""
        return self.attributes.get(name, default)

    def seconds(self, name: str, default: float) -> float:
        """A checked number attribute."""
        return float(self.attributes.get(name, default))

    def yes(self, name: str, default: bool = False) -> bool:
        """A checked true/false attribute."""
        return self.attributes[name].lower() == "true" if name in self.attributes else default


@dataclass(frozen=True)
class Fault:
    """Something wrong in a document, before it is known whose call it is."""

    code: int
    message: str
    severity: Severity = Severity.WARNING


@dataclass(frozen=True)
class Document:
    """What an answer asks for. With an error among `faults`, `verbs` is empty and must not be run."""

    verbs: tuple[Verb, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def error(self) -> Fault | None:
        """The fault that forbids running the document, if any."""
        return next((fault for fault in self.faults if fault.severity is Severity.ERROR), None)


def _refused(code: int, message: str) -> Document:
    return Document(faults=(Fault(code, message, Severity.ERROR),))


def read_answer(body: bytes, content_type: str) -> Document:
    """Read the body of a webhook's answer by its media type. Never raises: what is wrong is in `faults`."""
    media_type = content_type.partition(";")[0].strip().lower()
    if len(body) > MOST_BYTES:
        return _refused(11750, f"the answer has {len(body)} bytes; {MOST_BYTES} are allowed")
    if media_type.startswith("audio/"):
        return Document(verbs=(Verb("Play", text="(the answer itself)"),))
    if media_type not in XML_TYPES and media_type != "text/plain":
        return _refused(12300, f"content type {content_type!r} is neither XML nor audio nor plain text")
    if not body:
        return _refused(11770, "the answer is empty")
    document = read_twiml(body)
    if media_type == "text/plain" and document.error is not None:
        return Document(verbs=(Verb("Say", text=body.decode("utf-8", "replace")),))
    return document


def read_twiml(body: bytes | str) -> Document:
    """Read TwiML text; checks names, attributes, nesting and limits."""
    raw = body.encode() if isinstance(body, str) else body
    if raw.startswith(b"\xef\xbb\xbf"):
        return _refused(12100, "a byte order mark stands before the document")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        return _refused(12100, "document type declarations are not allowed")
    try:
        root = ET.fromstring(raw)  # comments are dropped by the default tree builder
    except (ET.ParseError, UnicodeDecodeError, LookupError, ValueError) as error:
        return _refused(12100, f"not well-formed: {error}")
    if root.tag != "Response":
        return _refused(12102, f"the root is <{root.tag}>, not <Response>")
    faults: list[Fault] = []
    verbs = [verb for element in root if (verb := _read_verb(element, VERBS, "Response", faults))]
    if (root.text or "").strip() or any((element.tail or "").strip() for element in root):
        faults.append(Fault(12200, "text between verbs is ignored"))
    if root.attrib:
        faults.append(Fault(12200, f"attributes on <Response>: {', '.join(sorted(root.attrib))}"))
    return Document(tuple(verbs), tuple(faults))


def _read_verb(element: ET.Element, allowed: dict[str, VerbRule], parent: str, faults: list[Fault]) -> Verb | None:
    name = str(element.tag)
    rule = allowed.get(name)
    if rule is None:
        nesting_code = VERBS[parent].nesting_code if parent in VERBS else 12200
        faults.append(Fault(nesting_code if name in VERBS else 12200, f"<{name}> is not allowed in <{parent}>; it is skipped"))
        return None
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        check = rule.attributes.get(key)
        if check is None:
            faults.append(Fault(12200, f"<{name}> has no attribute {key!r}; it is ignored"))
        elif problem := check.problem(value):
            faults.append(Fault(check.code, f"<{name} {key}={value[:80]!r}>: {problem}; it is ignored"))
        else:
            attributes[key] = value
    if rule.holds_speech:
        text = " ".join("".join(_speech_text(element, name, faults)).split())
        children: tuple[Verb, ...] = ()
    else:
        text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
        children = tuple(verb for child in element if (verb := _read_verb(child, rule.children, name, faults)))
    verb = Verb(name, attributes, text, children)
    faults.extend(Fault(code, message, severity) for code, message, severity in check_text(name, text, attributes))
    if rule.together is not None:
        faults.extend(
            Fault(code, message, severity)
            for code, message, severity in rule.together(attributes, [(c.name, c.text) for c in children])
        )
    return verb


def _speech_text(element: ET.Element, owner: str, faults: list[Fault]) -> list[str]:
    """The words of a <Say>, through its speech marks (break, emphasis, …)."""
    words = [element.text or ""]
    for child in element:
        if child.tag in SSML:
            words.append(
                child.get("alias", "")
                if child.tag == "sub" and child.get("alias")
                else "".join(_speech_text(child, owner, faults))
            )
        else:
            faults.append(Fault(13510, f"<{child.tag}> is not allowed in <{owner}>; it is skipped"))
        words.append(child.tail or "")
    return words
