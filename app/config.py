"""Settings: read once from the environment, checked, frozen, handed down as values.

``docs/configuration.md`` documents every entry of ``SETTINGS``; a test compares the two.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from app.errors import SettingRefused
from app.services.office import ADDRESS, MailServer, Office
from app.services.policy import ADMINISTRATORS, EVERYBODY, NOBODY, Policy, Provider

PREFIX = "TAIZHANG_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Name without the prefix, and the default as one would write it; "" is worked out at start.
SETTINGS: Mapping[str, str] = {
    "DATA_DIR": "./var",
    "DATABASE_URL": "",
    "SECRET_KEY": "",
    "HOST": "127.0.0.1",
    "PORT": "8000",
    "WORKERS": "2",
    "THREADS": "8",
    "MAX_UPLOAD_MB": "64",
    "TRUSTED_HOSTS": "",
    "SECURE_COOKIES": "",
    "LANGUAGE": "zh_Hans",
    "DEMO": "yes",
    "AUDIT_DAYS": "365",
    "IDLE_MINUTES": "30",
    "ADMIN_IDLE_MINUTES": "15",
    "SESSION_HOURS": "12",
    "SESSIONS_PER_PERSON": "0",
    "PASSWORD_DAYS": "0",
    "UNUSED_DAYS": "90",
    "REQUIRE_TOTP": "nobody",
    "ADDRESS_FAILURES": "50",
    "TRUSTED_PROXIES": "",
    "OIDC_ISSUER": "",
    "OIDC_CLIENT_ID": "",
    "OIDC_CLIENT_SECRET": "",
    "OIDC_LABEL": "统一身份认证",
    "OIDC_CLAIM": "preferred_username",
    "JOBS": "yes",
    "TIME_ZONE": "Asia/Shanghai",
    "SITE_URL": "",
    "SMTP_HOST": "",
    "SMTP_PORT": "",
    "SMTP_SECURITY": "starttls",
    "SMTP_USER": "",
    "SMTP_PASSWORD": "",
    "SMTP_FROM": "",
}

LANGUAGES = ("zh_Hans", "en")
#: how the connection to the mail server is protected, and the port that is usual for it
SMTP_PORTS: Mapping[str, int] = {"none": 25, "starttls": 587, "tls": 465}
KEY_LENGTH = 32


class SettingUnknown(SettingRefused):
    text = "There is no setting {name}. The nearest is {nearest}; docs/configuration.md lists all."


class SettingNotNumber(SettingRefused):
    text = "The setting {name} is {value}, but must be a whole number from {least} to {most}."


class SettingNotChoice(SettingRefused):
    text = "The setting {name} is {value}, but must be one of: {choices}."


class SecretTooShort(SettingRefused):
    text = (
        "The setting {name} has {length} characters, but must have at least {least}. "
        "Leave it out, and a key is made and kept in the data folder."
    )


class DatabaseUrlUnreadable(SettingRefused):
    text = (
        "The setting {name} is not an address of a database. It looks like "
        "sqlite:///path/to/file.db or postgresql://user:password@host/database."
    )


class DataDirUnusable(SettingRefused):
    text = "The setting {name} names the folder {value}, which cannot be written: {why}."


class TrustedHostsMissing(SettingRefused):
    text = (
        "The setting {name} is missing. With TAIZHANG_HOST={host} other machines can reach the "
        "application: name the hosts it answers for, separated by commas."
    )


class TimeZoneUnknown(SettingRefused):
    text = "The setting {name} is {value}, which is no time zone. Write it as Asia/Shanghai."


class SiteUrlUnreadable(SettingRefused):
    text = (
        "The setting {name} is {value}, which is no address. Write it as https://host.example.cn."
    )


class SenderMissing(SettingRefused):
    text = (
        "The setting {name} is {value}, but mail needs the address it comes from: write it as "
        "taizhang@office.example.cn."
    )


class ProxiesUnreadable(SettingRefused):
    text = (
        "The setting {name} is {value}. Write the addresses of the proxies in front, or their "
        "networks, separated by commas: 10.0.0.5, 10.1.0.0/24; never the whole world."
    )


class SecureCookiesMissing(SettingRefused):
    text = (
        "The setting {name} is missing. With TAIZHANG_HOST={host} other machines can reach the "
        "application: say yes where people use https, no where they do not."
    )


class IssuerUnusable(SettingRefused):
    text = (
        "The setting {name} is {value}, but must be the https address of the identity provider as "
        "it writes it itself (http is for this machine only), without ? and #."
    )


class ProviderHalf(SettingRefused):
    text = (
        "The setting {name} is missing: an identity provider needs TAIZHANG_OIDC_ISSUER, "
        "TAIZHANG_OIDC_CLIENT_ID and TAIZHANG_OIDC_CLIENT_SECRET together."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, checked. ``data_dir`` exists and may be written."""

    data_dir: Path
    database_url: str
    secret_key: str
    host: str
    port: int
    workers: int
    threads: int
    max_upload_mb: int
    trusted_hosts: tuple[str, ...]
    secure_cookies: bool
    language: str
    demo: bool
    audit_days: int
    sign_in: Policy
    provider: Provider | None
    jobs: bool
    office: Office
    trusted_proxies: tuple[Network, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every ``TAIZHANG_…`` setting of ``environ``; make the data folder and the key.

        Raises a ``SettingRefused`` that names the setting when one is missing, wrong or unknown.
        """
        given = _given(environ)
        host = given["HOST"]
        data_dir = _folder(given["DATA_DIR"])
        return cls(
            data_dir=data_dir,
            database_url=_database(given["DATABASE_URL"], data_dir),
            secret_key=_secret(given["SECRET_KEY"], data_dir),
            host=host,
            port=_number(given, "PORT", 1, 65535),
            workers=_number(given, "WORKERS", 1, 64),
            threads=_number(given, "THREADS", 1, 64),
            max_upload_mb=_number(given, "MAX_UPLOAD_MB", 1, 2048),
            trusted_hosts=_hosts(given["TRUSTED_HOSTS"], host),
            secure_cookies=_secure(given, host),
            language=_choice(given, "LANGUAGE", LANGUAGES),
            demo=_choice(given, "DEMO", ("yes", "no")) == "yes",
            # six months by law (网络安全法), which are 184 days at the most
            audit_days=_number(given, "AUDIT_DAYS", 184, 36500),
            sign_in=_policy(given),
            provider=_provider(given),
            jobs=_choice(given, "JOBS", ("yes", "no")) == "yes",
            office=_office(given),
            trusted_proxies=_proxies(given["TRUSTED_PROXIES"]),
        )


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    given = dict(SETTINGS)
    for full, value in environ.items():
        if not full.startswith(PREFIX):
            continue
        name = full.removeprefix(PREFIX)
        if name not in SETTINGS:
            nearest = difflib.get_close_matches(name, SETTINGS, 1, 0) or list(SETTINGS)
            raise SettingUnknown(name=full, nearest=PREFIX + nearest[0])
        given[name] = value.strip() or SETTINGS[name]
    return given


def _number(
    given: Mapping[str, str], name: str, least: int, most: int, *, off: bool = False
) -> int:
    """Return a whole number within its bounds; with ``off`` also 0, which is no limit."""
    value = given[name]
    if off and value == "0":
        return 0
    if value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most:
        return int(value)
    raise SettingNotNumber(name=PREFIX + name, value=value, least=least, most=most)


def _choice(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = given[name]
    if value in choices:
        return value
    raise SettingNotChoice(name=PREFIX + name, value=value, choices=", ".join(choices))


def _office(given: Mapping[str, str]) -> Office:
    """Return the settings that services need, as a value of theirs."""
    try:
        zone = ZoneInfo(given["TIME_ZONE"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeZoneUnknown(name=PREFIX + "TIME_ZONE", value=given["TIME_ZONE"]) from None
    site = given["SITE_URL"].rstrip("/")
    if site:
        parts = urlsplit(site)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise SiteUrlUnreadable(name=PREFIX + "SITE_URL", value=site)
    return Office(zone, site, _mail(given))


def _mail(given: Mapping[str, str]) -> MailServer | None:
    """Return the mail server; without a host no mail is sent."""
    security = _choice(given, "SMTP_SECURITY", tuple(SMTP_PORTS))
    if not given["SMTP_HOST"]:
        return None
    if not ADDRESS.fullmatch(given["SMTP_FROM"]):
        raise SenderMissing(name=PREFIX + "SMTP_FROM", value=given["SMTP_FROM"] or "–")
    port = given["SMTP_PORT"] or str(SMTP_PORTS[security])
    return MailServer(
        host=given["SMTP_HOST"],
        port=_number({**given, "SMTP_PORT": port}, "SMTP_PORT", 1, 65535),
        security=security,
        user=given["SMTP_USER"],
        password=given["SMTP_PASSWORD"],
        sender=given["SMTP_FROM"],
    )


def _folder(value: str) -> Path:
    folder = Path(value).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(None, "permission denied")
    except OSError as error:
        raise DataDirUnusable(
            name=PREFIX + "DATA_DIR", value=value, why=error.strerror or "not a folder"
        ) from None
    return folder


def _database(value: str, data_dir: Path) -> str:
    if not value:
        return f"sqlite:///{data_dir / 'taizhang.db'}"
    try:
        url = sa.make_url(value)
    except (sa.exc.ArgumentError, ValueError):
        raise DatabaseUrlUnreadable(name=PREFIX + "DATABASE_URL") from None
    backend = url.drivername.split("+")[0]
    if backend not in ("sqlite", "postgresql", "postgres") or not url.database:
        raise DatabaseUrlUnreadable(name=PREFIX + "DATABASE_URL")
    return value


def _secret(value: str, data_dir: Path) -> str:
    """Return the given key, or the one in the data folder, which is made at the first start."""
    if value:
        if len(value) < KEY_LENGTH:
            raise SecretTooShort(name=PREFIX + "SECRET_KEY", length=len(value), least=KEY_LENGTH)
        return value
    kept = data_dir / "secret-key"
    if not kept.exists():
        fresh = data_dir / f"secret-key.{os.getpid()}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(KEY_LENGTH))
        # of two processes that start together the first one's key stays
        with suppress(FileExistsError):
            os.link(fresh, kept)
        fresh.unlink()
    return _secret(kept.read_text("ascii").strip() or "-", data_dir)


def _policy(given: Mapping[str, str]) -> Policy:
    return Policy(
        idle=timedelta(minutes=_number(given, "IDLE_MINUTES", 5, 60)),
        idle_administrators=timedelta(minutes=_number(given, "ADMIN_IDLE_MINUTES", 5, 30)),
        longest=timedelta(hours=_number(given, "SESSION_HOURS", 1, 24)),
        sessions=_number(given, "SESSIONS_PER_PERSON", 0, 20),
        password_days=_number(given, "PASSWORD_DAYS", 30, 365, off=True),
        unused_days=_number(given, "UNUSED_DAYS", 30, 365, off=True),
        address_failures=_number(given, "ADDRESS_FAILURES", 10, 100_000, off=True),
        require_totp=_choice(given, "REQUIRE_TOTP", (NOBODY, ADMINISTRATORS, EVERYBODY)),
    )


def _provider(given: Mapping[str, str]) -> Provider | None:
    issuer, client, secret, label, claim = (
        given[f"OIDC_{name}"] for name in "ISSUER CLIENT_ID CLIENT_SECRET LABEL CLAIM".split()
    )
    for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"):
        if bool(given[name]) != bool(issuer):
            raise ProviderHalf(name=PREFIX + (name if issuer else "OIDC_ISSUER"))
    if not issuer:
        return None
    _issuer(issuer)
    return Provider(issuer, client, secret, label, "" if claim == "none" else claim)


def _issuer(value: str) -> None:
    try:
        parts = urlsplit(value)
        local = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    except ValueError:
        raise IssuerUnusable(name=PREFIX + "OIDC_ISSUER", value=value) from None
    whole = bool(parts.hostname) and not parts.query and not parts.fragment and not parts.username
    if not whole or not (local or parts.scheme == "https"):
        raise IssuerUnusable(name=PREFIX + "OIDC_ISSUER", value=value)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _hosts(value: str, host: str) -> tuple[str, ...]:
    if value:
        return tuple(name for name in (part.strip() for part in value.split(",")) if name)
    if not _is_loopback(host):
        raise TrustedHostsMissing(name=PREFIX + "TRUSTED_HOSTS", host=host)
    return ("localhost", "127.0.0.1", "[::1]")


def _proxies(value: str) -> tuple[Network, ...]:
    parts = (part.strip() for part in value.split(","))
    try:
        found = tuple(ipaddress.ip_network(part) for part in parts if part)
    except ValueError:
        raise ProxiesUnreadable(name=PREFIX + "TRUSTED_PROXIES", value=value) from None
    if any(network.prefixlen == 0 for network in found):
        raise ProxiesUnreadable(name=PREFIX + "TRUSTED_PROXIES", value=value)
    return found


def _secure(given: Mapping[str, str], host: str) -> bool:
    if given["SECURE_COOKIES"]:
        return _choice(given, "SECURE_COOKIES", ("yes", "no")) == "yes"
    if not _is_loopback(host):
        raise SecureCookiesMissing(name=PREFIX + "SECURE_COOKIES", host=host)
    return False
