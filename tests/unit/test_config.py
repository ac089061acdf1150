"""Settings: what they become, and how a wrong one is refused."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import PREFIX, SETTINGS, Config
from app.errors import SettingRefused

ROOT = Path(__file__).parents[2]


def read(tmp_path: Path, **settings: str) -> Config:
    given = {f"TAIZHANG_{name}": value for name, value in settings.items()}
    return Config.from_environment({"TAIZHANG_DATA_DIR": str(tmp_path / "data"), **given})


def test_nothing_need_be_set(tmp_path: Path) -> None:
    config = read(tmp_path)

    assert config.database_url == f"sqlite:///{tmp_path}/data/taizhang.db"
    assert (config.host, config.port, config.workers) == ("127.0.0.1", 8000, 2)
    assert config.language == "zh_Hans"


def test_mail_needs_a_server_and_an_address_it_comes_from(tmp_path: Path) -> None:
    assert read(tmp_path).office.mail is None
    with pytest.raises(SettingRefused, match="SMTP_FROM"):
        read(tmp_path, SMTP_HOST="mail.example.cn")

    given = {"SMTP_HOST": "mail.example.cn", "SMTP_FROM": "taizhang@example.cn"}
    server = read(tmp_path, **given, SMTP_PASSWORD="hidden word").office.mail
    assert server is not None
    assert (server.port, server.security) == (587, "starttls")
    assert read(tmp_path, **given, SMTP_SECURITY="tls").office.mail != server
    assert "hidden word" not in repr(server)


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)

    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE((tmp_path / "data" / "secret-key").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "data") == ["secret-key"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "８０００"),
        ("WORKERS", "-1"),
        ("WORKERS", "1e3"),
        ("THREADS", "0"),
        ("MAX_UPLOAD_MB", "12.5"),
        ("SECRET_KEY", "short"),
        ("DATABASE_URL", "taizhang.db"),
        ("DATABASE_URL", "mysql://user:hidden@host/database"),
        ("DATABASE_URL", "postgresql://user:hidden@host"),
        ("DATABASE_URL", "postgresql://user:hidden@host:port/database"),
        ("DATA_DIR", "/proc/nowhere"),
        ("SECURE_COOKIES", "maybe"),
        ("LANGUAGE", "fr"),
        ("JOBS", "sometimes"),
        ("TIME_ZONE", "Asia/Nowhere"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("SITE_URL", "taizhang.example.cn"),
        ("SMTP_SECURITY", "ssl"),
        ("DEMO", "1"),
        ("ADDRESS_FAILURES", "3"),
        ("TRUSTED_PROXIES", "proxy.example.cn"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "10.0.0.5/24"),
        ("DATABSE_URL", "sqlite:///x.db"),
        ("PORT2", "80"),
        ("IDLE_MINUTES", "61"),
        ("IDLE_MINUTES", "0"),
        ("ADMIN_IDLE_MINUTES", "31"),
        ("SESSION_HOURS", "25"),
        ("SESSIONS_PER_PERSON", "21"),
        ("PASSWORD_DAYS", "7"),
        ("UNUSED_DAYS", "1"),
        ("REQUIRE_TOTP", "yes"),
        ("OIDC_CLIENT_SECRET", "hidden"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        read(tmp_path, **{name: value})

    assert PREFIX + name in refused.value.sentence()
    assert "hidden" not in refused.value.sentence()
    assert "{" not in refused.value.sentence()


PROVIDER = {"OIDC_CLIENT_ID": "taizhang", "OIDC_CLIENT_SECRET": "hidden"}


@pytest.mark.parametrize(
    "issuer",
    [
        "http://gate.example", "gate.example", "https://", "https://u:p@gate.example",
        "https://gate.example/?a=1", "https://gate.example/#a", "ftp://127.0.0.1", "http://[",
    ],
)  # fmt: skip
def test_a_provider_that_cannot_be_trusted_is_refused(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        read(tmp_path, OIDC_ISSUER=issuer, **PROVIDER)

    assert "TAIZHANG_OIDC_ISSUER" in refused.value.sentence()


def test_half_a_provider_is_refused_and_a_whole_one_taken(tmp_path: Path) -> None:
    for name in PROVIDER:
        half = {k: v for k, v in PROVIDER.items() if k != name}
        with pytest.raises(SettingRefused) as refused:
            read(tmp_path, OIDC_ISSUER="https://gate.example", **half)
        assert PREFIX + name in refused.value.sentence()

    provider = read(
        tmp_path, OIDC_ISSUER="https://gate.example", OIDC_CLAIM="none", **PROVIDER
    ).provider
    assert provider is not None
    assert (provider.issuer, provider.claim) == ("https://gate.example", "")
    assert read(tmp_path).provider is None


def test_days_may_be_switched_off(tmp_path: Path) -> None:
    policy = read(tmp_path, PASSWORD_DAYS="0", UNUSED_DAYS="0").sign_in

    assert (policy.password_days, policy.unused_days) == (0, 0)


@pytest.mark.parametrize("name", ["TRUSTED_HOSTS", "SECURE_COOKIES"])
def test_an_open_address_needs_its_hosts_and_cookies_stated(tmp_path: Path, name: str) -> None:
    given = {"TRUSTED_HOSTS": "taizhang.example.cn", "SECURE_COOKIES": "yes"}
    del given[name]

    with pytest.raises(SettingRefused, match=f"TAIZHANG_{name} is missing"):
        read(tmp_path, HOST="0.0.0.0", **given)


def test_an_open_address_with_hosts_and_cookies_stated_is_taken(tmp_path: Path) -> None:
    config = read(
        tmp_path, HOST="0.0.0.0", TRUSTED_HOSTS=" a.example.cn , .b.cn,", SECURE_COOKIES="yes"
    )

    assert config.trusted_hosts == ("a.example.cn", ".b.cn")
    assert config.secure_cookies


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")

    rows = dict(re.findall(r"^\| `TAIZHANG_([A-Z_]+)` \| ([^|]*) \|", page, re.MULTILINE))

    assert set(rows) == set(SETTINGS)
    for name, default in SETTINGS.items():
        assert not default or rows[name].strip() == f"`{default}`", name


def test_a_wrong_setting_stops_the_start_with_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "TAIZHANG_DATA_DIR": str(tmp_path), "TAIZHANG_PORT": "many"}

    ended = subprocess.run(
        [sys.executable, "-m", "app.serve"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert "TAIZHANG_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
