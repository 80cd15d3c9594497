"""Reports by e-mail. What a server took is not sent to it again; who it refused is said."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

import structlog

from ivr.errors import RecordError

log = structlog.get_logger()

_SECONDS = 10


def report_mail(
    sender: str, to: Sequence[str], *, subject: str, body: str, name: str, attachment: str, due: datetime
) -> EmailMessage:
    """A message with one attachment, named `name` (.csv or .json). Its id is the same on every try, so that a mailbox which got it twice
    can tell."""
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = format_datetime(due)
    digest = hashlib.sha256("\0".join((name, due.isoformat(), *to)).encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2] or 'localhost'}>"
    message.set_content(body)
    maintype, subtype = ("application", "json") if name.endswith(".json") else ("text", "csv")
    message.add_attachment(attachment.encode(), maintype=maintype, subtype=subtype, filename=name)
    return message


def mail_host(env: Mapping[str, str]) -> str:
    """The mail server's name. Raises RecordError where none is set."""
    host = env.get("IVR_SMTP_HOST", "")
    if not host:
        raise RecordError(
            "IVR_SMTP_HOST is missing: expected the mail server that reports are sent through, such as mail.example.com"
        )
    return host


def send_mail(message: EmailMessage, env: Mapping[str, str]) -> None:
    """Hand the message to the server that IVR_SMTP_HOST, _PORT, _USER and _PASSWORD name, with STARTTLS and a checked certificate wherever
    there is a user.

    Raises OSError or SMTPException where the server took it for nobody. Where it refused some of the readers it took it for the others:
    that is logged, and the message counts as sent.
    """
    server = smtplib.SMTP(mail_host(env), int(env.get("IVR_SMTP_PORT") or 25), timeout=_SECONDS)
    try:
        if env.get("IVR_SMTP_USER"):
            server.starttls(context=ssl.create_default_context())
            server.login(env["IVR_SMTP_USER"], env.get("IVR_SMTP_PASSWORD", ""))
        refused = server.send_message(message)
    except UnicodeEncodeError as error:
        server.close()
        raise RecordError(
            "IVR_SMTP_USER and IVR_SMTP_PASSWORD: expected ASCII, the protocol's logins know nothing else"
        ) from error
    except BaseException:
        server.close()
        raise
    # The server has it: what goes wrong with the farewell must not send it again.
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    for reader, (code, why) in refused.items():
        log.error("report refused for one of its readers", reader=reader, code=code, why=why.decode("utf-8", "replace")[:200])
