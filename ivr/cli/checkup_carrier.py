"""The doctor's look outside: the carrier's account, its numbers' webhooks, and the public address they come to."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from ivr.carriers.local.signature import sign
from ivr.carriers.twilio.client import NumberWebhooks, TwilioCarrier
from ivr.cli.checkup import Finding, error, ok, warning
from ivr.cli.checkup_files import Files
from ivr.errors import CarrierRefused, CarrierSilent
from ivr.settings import Settings

INCOMING, FALLBACK, STATUS, TEXTS = "/voice/incoming", "/voice/fallback", "/voice/status", "/text/incoming"
ANSWER_SECONDS = 5.0


def is_private(address: str) -> bool:
    """Whether an address is on this machine or a private network, where a carrier elsewhere cannot come to."""
    host = urlsplit(address).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal"))


def carrier_is_near(settings: Settings) -> bool:
    """Whether the carrier is a local one, which needs neither HTTPS nor an address on the internet."""
    return bool(settings.carrier_api_url and is_private(settings.carrier_api_url))


def check_carrier(settings: Settings, files: Files) -> Iterator[Finding]:
    """Credentials, and for each line of config/numbers.yaml whether its webhooks come here."""
    if not settings.account_sid:
        yield warning(
            "carrier",
            "There is no carrier account: only `ivr demo` takes calls.",
            "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
        )
        return
    carrier = TwilioCarrier(settings.account_sid, settings.auth_tokens[0], settings.carrier_api_url, tries=2)
    try:
        name = carrier.check()
        yield ok("carrier", f'The account "{name}" accepts the credentials.')
        lines = files.configuration.numbers.lines
        sender = settings.caller_id or next(iter(lines), "")
        for number in (*lines, *([sender] if sender not in lines else [])):
            webhooks = carrier.webhooks_of(number)
            if number in lines:
                yield from _check_number(settings, number, webhooks)
            yield from _check_texts(settings, files, number, webhooks, is_sender=number == sender)
    except CarrierRefused as problem:
        if problem.status == 401:
            yield error("carrier", "The carrier refuses the credentials.", "Mend TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
        else:
            yield error("carrier", f"{problem}.", "Look at the account in the carrier's console.")
    except CarrierSilent as problem:
        yield error("carrier", f"{problem}.", "Check the way out of this machine, and TWILIO_API_URL where it is set.")
    if not settings.caller_id and not files.configuration.numbers.lines:
        yield warning(
            "carrier", "No number is known to call agents from.", "Set IVR_CALLER_ID, or name a line in config/numbers.yaml."
        )


def _check_number(settings: Settings, number: str, webhooks: NumberWebhooks | None) -> Iterator[Finding]:
    if webhooks is None:
        yield warning(
            "numbers", f"{number} is not a number of this account.", "Mend config/numbers.yaml, or set up the number's SIP trunk."
        )
        return
    voice = webhooks.voice
    wanted = settings.public_url + INCOMING
    mend = f"Set its voice webhook to {wanted} (POST)."
    if voice.url != wanted:
        yield error("numbers", f"Calls to {number} go to {voice.url or 'nowhere'}.", mend)
        return
    if voice.method != "POST":
        yield error("numbers", f"Calls to {number} come here by {voice.method}, which is refused.", mend)
        return
    for path, now, without in (
        (FALLBACK, webhooks.fallback, "callers hear an error when this service is away"),
        (STATUS, webhooks.status, "the end of a call is noticed a minute late"),
    ):
        if now.url != settings.public_url + path or now.method != "POST":
            what = "fallback" if path == FALLBACK else "status callback"
            yield warning("numbers", f"{number} has no {what} here: {without}.", f"Set it to {settings.public_url}{path} (POST).")
    yield ok("numbers", f"Calls to {number} come here.")


def _check_texts(
    settings: Settings, files: Files, number: str, webhooks: NumberWebhooks | None, *, is_sender: bool
) -> Iterator[Finding]:
    """Whether what is texted to a number comes here, where this service sends texts: people reply to the number they were texted from."""
    if not (files.asks_by_text or files.flows_that_text):
        return
    if webhooks is None:
        if is_sender:
            yield warning(
                "texts",
                f"Texts are sent from {number}, which is not a number of this account: replies and STOP are not heard.",
                "Set IVR_CALLER_ID to a number of the account.",
            )
        return
    texts, wanted = webhooks.texts, settings.public_url + TEXTS
    mend = f"Set its messaging webhook to {wanted} (POST)."
    lost = "answers to the survey and STOP are lost" if files.asks_by_text else "replies and STOP are not heard"
    grade = error if is_sender and files.asks_by_text else warning
    if texts.url != wanted:
        yield grade("texts", f"Texts to {number} go to {texts.url or 'nowhere'}: {lost}.", mend)
    elif texts.method != "POST":
        yield grade("texts", f"Texts to {number} come here by {texts.method}, which is refused: {lost}.", mend)
    else:
        yield ok("texts", f"Texts to {number} come here.")


def check_public_address(settings: Settings, files: Files) -> Iterator[Finding]:
    """HTTPS, whether the carrier can come to it, and whether what it signs is believed."""
    url = settings.public_url
    near = carrier_is_near(settings)
    secure = url.startswith("https://")
    if settings.account_sid and not near:
        if is_private(url):
            yield error(
                "address", f"The carrier cannot reach {url}.", "Set IVR_PUBLIC_URL to the address that the internet sees."
            )
            return
        if not secure:
            yield warning("address", f"{url} is not encrypted: callers' numbers and words travel in the open.", "Use https.")
    if settings.account_sid and files.flows_that_pay and not secure and not near:
        yield error(
            "address",
            f"Payments need https, and {url} has none (flows that pay: {', '.join(files.flows_that_pay)}).",
            "Set IVR_PUBLIC_URL to an https address.",
        )
    if settings.account_sid:
        yield from _ask_webhook(settings, f"{url}{FALLBACK}")


def _ask_webhook(settings: Settings, address: str) -> Iterator[Finding]:
    """A signed and an unsigned request to the fallback, which answers without a call: proxy, path and signature in one."""
    fields = {
        "AccountSid": settings.account_sid or "",
        "CallSid": "CA" + "0" * 32,
        "CallStatus": "in-progress",
        "From": "+10000000000",
    }
    signature = sign(settings.auth_tokens[0], address, fields.items())
    try:
        with httpx.Client(timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=False) as client:
            signed = client.post(address, data=fields, headers={"X-Twilio-Signature": signature})
            unsigned = client.post(address, data=fields)
    except httpx.HTTPError as problem:
        yield error(
            "address",
            f"{address} does not answer ({type(problem).__name__}).",
            "Start the service; else mend IVR_PUBLIC_URL, name server, certificate or proxy.",
        )
        return
    if unsigned.status_code == 200:
        yield error("address", f"{address} takes requests that nobody signed.", "Something else answers there: mend the proxy.")
    elif signed.status_code == 403:
        yield error(
            "address",
            f"{address} does not believe the carrier's signature.",
            "The running service has another IVR_PUBLIC_URL or TWILIO_AUTH_TOKEN, or a proxy changes path or query.",
        )
    elif signed.status_code != 200 or "<Response" not in signed.text:
        yield error("address", f"{address} answers HTTP {signed.status_code}.", "The proxy must pass /voice/ on to `ivr web`.")
    else:
        yield ok("address", f"{settings.public_url} answers signed webhooks, and only those.")


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """Whether several machines would seal their links alike."""
    several = settings.redis_url and not is_private(settings.redis_url)
    if several and not os.environ.get("IVR_SECRET_KEY", "").strip():
        yield warning(
            "settings",
            "IVR_SECRET_KEY is not set: each machine makes a key of its own, and refuses the others' links.",
            "Set the same one everywhere, such as the output of `openssl rand -hex 32`.",
        )
