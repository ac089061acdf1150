"""Sending one mail through the office's server, with the standard library."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from app.errors import AppError, because
from app.services.jobs import GiveUp
from app.services.office import MailServer
from app.services.work import now

#: seconds the server may take for one answer
PATIENCE = 20


class MailFailed(AppError):
    code = "notice.mail_failed"
    text = "The mail server {host} did not take the mail: {reason}"


def compose(sender: str, to: str, subject: str, body: str, number: str) -> EmailMessage:
    """Return a mail in plain text. ``number`` makes its id the same at each try, so that a
    mailbox that got it twice shows it once."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(now())
    domain = sender.rpartition("@")[2]
    message["Message-ID"] = f"<{number}@{domain}>" if number else make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def send(server: MailServer, message: EmailMessage) -> None:
    """Send a mail. Raises ``MailFailed`` (try again) or ``GiveUp`` (the server refuses it)."""
    try:
        with connect(server) as connection:
            if server.security == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise refused(server, code, said) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise refused(server, error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(host=server.host, reason=because("{why}", why=error)) from error


def connect(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=PATIENCE)


def refused(server: MailServer, code: int, said: bytes | str) -> Exception:
    """Return a refusal: for good (5xx), or for the moment (4xx)."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    failed = MailFailed(host=server.host, reason=because("{why}", why=f"{code} {text}"[:500]))
    return GiveUp(failed) if code >= 500 else failed
