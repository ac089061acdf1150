"""Signing in with an identity provider: a real one, as another process on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from app.config import Config
from app.services import identity, linking, second_factor
from app.storage.models_identity import account, linked_identity, login_session
from tests.support.provider import CLIENT, SECRET, Running, providing
from tests.support.visitor import Visitor, make_account


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    """The provider, in a process of its own."""
    with providing() as running:
        yield running


@pytest.fixture
def app(url: str, tmp_path: Path, provider: Running) -> Iterator[Flask]:
    """The application that trusts the provider; ``clerk`` has an account."""
    app = make(url, tmp_path, OIDC_ISSUER=provider.issuer)
    make_account(app)
    yield app
    app.extensions["taizhang"].database.dispose()


def make(url: str, tmp_path: Path, **more: str) -> Flask:
    settings = {
        "DATABASE_URL": url, "DATA_DIR": str(tmp_path / "data"), "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET, "OIDC_LABEL": "Gate", **more,
    }  # fmt: skip
    return create_app(Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()}))


def there(visitor: Visitor, next: str = "/") -> str:
    """Go to the provider and return the address to which it sends the person back."""
    sent = visitor.get("/sign-in/provider", query_string={"next": next})
    assert sent.status_code == 302, sent.text
    answer = requests.get(sent.location, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/sign-in/provider/return"
    return f"{back.path}?{back.query}"


def come(visitor: Visitor, next: str = "/") -> TestResponse:
    """Go there and back."""
    return visitor.get(there(visitor, next))


def said(answer: TestResponse) -> str:
    """Return the refusal on the sign-in page, which is the page that is shown."""
    assert 'name="password"' in answer.text
    found = re.search(r'id="login-error">.*?<div>(.*?)</div>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return found[1]


def rows(app: Flask, table: sa.Table) -> list[Any]:
    with app.extensions["taizhang"].database.reading() as tx:
        return list(tx.execute(sa.select(table)))


def test_a_person_signs_in_and_is_led_to_the_page_wanted(app: Flask, provider: Running) -> None:
    provider.tell(sub="s-1", preferred_username="Clerk")
    visitor = Visitor(app)

    answer = come(visitor, "/account/")

    assert (answer.status_code, answer.location) == (302, "/account/")
    assert "张三" in visitor.get("/account/").text
    assert [(r.issuer, r.subject, r.linked_by) for r in rows(app, linked_identity)] == [
        (provider.issuer, "s-1", linking.BY_CLAIM)
    ]
    assert [r.way for r in rows(app, login_session)] == ["provider"]


def test_the_link_counts_afterwards_and_not_the_name(app: Flask, provider: Running) -> None:
    provider.tell(sub="s-1", preferred_username="clerk")
    come(Visitor(app))

    provider.tell(sub="s-1", preferred_username="married")
    assert come(Visitor(app)).status_code == 302
    provider.tell(sub="s-2", preferred_username="clerk")
    answer = come(Visitor(app))

    assert answer.status_code == 401
    assert "no open account here is linked with you (s-2)" in said(answer)
    assert len(rows(app, linked_identity)) == 1


def test_a_claim_that_only_the_further_answer_holds_counts(app: Flask, provider: Running) -> None:
    provider.tell(sub="s-1", asked_preferred_username="clerk")

    assert come(Visitor(app)).status_code == 302


def test_a_further_answer_about_somebody_else_does_not(app: Flask, provider: Running) -> None:
    provider.tell("subject", sub="s-1", asked_preferred_username="clerk")

    assert come(Visitor(app)).status_code == 401


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        ("nonce", 401, "belongs to another sign-in"),
        ("iss", 401, "comes from another issuer"),
        ("aud", 401, "meant for another application"),
        ("exp", 401, "has run out"),
        ("key", 401, "signature of the answer does not hold"),
        ("none", 401, "signature of the answer does not hold"),
        ("deny", 401, "cancelled there, or not allowed"),
    ],
)
def test_an_answer_that_does_not_hold_opens_nothing(
    app: Flask, provider: Running, spoil: str, status: int, words: str
) -> None:
    provider.tell(spoil, sub="s-1", preferred_username="clerk")
    visitor = Visitor(app)

    answer = come(visitor)

    assert answer.status_code == status
    assert words in said(answer)
    assert visitor.get("/").status_code == 302
    assert rows(app, login_session) == []
    assert rows(app, linked_identity) == []


def test_a_description_of_another_issuer_is_not_believed(app: Flask, provider: Running) -> None:
    provider.tell("issuer", sub="s-1", preferred_username="clerk")

    answer = Visitor(app).get("/sign-in/provider")

    assert answer.status_code == 401
    assert "names another issuer" in said(answer)


@pytest.mark.parametrize("tampering", ["state", "other browser", "twice", "no code", "later"])
def test_an_answer_to_somebody_elses_errand_opens_nothing(
    app: Flask, provider: Running, tampering: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.tell(sub="s-1", preferred_username="clerk")
    visitor = Visitor(app)
    back = there(visitor)
    if tampering == "state":
        back = back.replace("state=", "state=x")
    elif tampering == "other browser":
        visitor = Visitor(app)
    elif tampering == "twice":
        assert visitor.get(back).status_code == 302
        visitor.client.delete_cookie("session")
    elif tampering == "no code":
        back = back.split("?")[0] + "?state=" + parse_qs(urlsplit(back).query)["state"][0]
    else:
        monkeypatch.setattr("app.services.oidc.ERRAND", -1)

    answer = visitor.get(back)

    assert answer.status_code == 401
    assert "The sign-in with Gate did not succeed" in said(answer)
    assert visitor.get("/").status_code == 302


def test_nobody_gets_an_account_by_it(app: Flask, provider: Running) -> None:
    provider.tell(sub="s-9", preferred_username="stranger")

    answer = come(Visitor(app))

    assert answer.status_code == 401
    assert "(s-9)" in said(answer)
    assert [r.login for r in rows(app, account)] == ["clerk"]


def test_a_closed_account_reads_like_none(app: Flask, provider: Running) -> None:
    provider.tell(sub="s-1", preferred_username="clerk")
    visitor = Visitor(app)
    come(visitor)
    with app.extensions["taizhang"].database.writing() as tx:
        identity.disable(tx, "clerk")

    assert visitor.get("/").status_code == 302  # signed in a moment ago
    answer = come(Visitor(app))
    assert answer.status_code == 401
    assert "no open account here is linked with you (s-1)" in said(answer)


def test_an_administrators_account_is_linked_by_an_administrator_only(
    app: Flask, provider: Running
) -> None:
    with app.extensions["taizhang"].database.writing() as tx:
        number, _ = identity.create_account(
            tx, "chief", "主任", "correct horse battery", administrator=True
        )
    provider.tell(sub="s-3", preferred_username="chief")
    assert come(Visitor(app)).status_code == 401

    with app.extensions["taizhang"].database.writing() as tx:
        linking.link(tx, number, provider.issuer, "s-3", "管理员")

    assert come(Visitor(app)).status_code == 302


@pytest.mark.parametrize(("verified", "status"), [(True, 302), (False, 401), (None, 401)])
def test_an_address_counts_when_the_provider_has_verified_it(
    url: str, tmp_path: Path, provider: Running, verified: bool | None, status: int
) -> None:
    app = make(url, tmp_path, OIDC_ISSUER=provider.issuer, OIDC_CLAIM="email")
    make_account(app, "clerk@example.cn")
    provider.tell(sub="s-1", email="clerk@example.cn", email_verified=verified)

    assert come(Visitor(app)).status_code == status
    app.extensions["taizhang"].database.dispose()


def test_without_a_claim_only_administrators_link(
    url: str, tmp_path: Path, provider: Running
) -> None:
    app = make(url, tmp_path, OIDC_ISSUER=provider.issuer, OIDC_CLAIM="none")
    make_account(app)
    provider.tell(sub="s-1", preferred_username="clerk")

    assert come(Visitor(app)).status_code == 401
    app.extensions["taizhang"].database.dispose()


def test_a_second_factor_is_asked_for_all_the_same(app: Flask, provider: Running) -> None:
    with app.extensions["taizhang"].database.writing() as tx:
        values = {"totp_secret": app.extensions["vault"].seal("A" * 32), "totp_step": 0}
        tx.execute(account.update().values(values | {"totp_since": second_factor.now()}))
    provider.tell(sub="s-1", preferred_username="clerk")
    visitor = Visitor(app)

    answer = come(visitor, "/account/")

    assert answer.location == "/sign-in/code?next=/account/"
    assert visitor.get("/account/").status_code == 302


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_only_a_path_of_ours_is_led_to(app: Flask, provider: Running, target: str) -> None:
    provider.tell(sub="s-1", preferred_username="clerk")

    assert come(Visitor(app), target).location == "/"


def test_signing_out_offers_to_sign_out_there_too(app: Flask, provider: Running) -> None:
    provider.tell(sub="s-1", preferred_username="clerk")
    visitor = Visitor(app)
    come(visitor)

    left = visitor.client.post("/sign-out", data={"csrf_token": visitor.token("/")})

    page = visitor.get(left.location).text
    assert "Sign out of Gate too" in page
    assert f"{provider.issuer}/leave?client_id=taizhang&amp;post_logout_redirect_uri=" in page


def test_a_provider_that_is_down_is_told_and_passwords_go_on(url: str, tmp_path: Path) -> None:
    with providing() as gone:
        app = make(url, tmp_path, OIDC_ISSUER=gone.issuer)
        make_account(app)
        gone.tell(sub="s-1", preferred_username="clerk")
        visitor, other = Visitor(app), Visitor(app)
        back = there(visitor)

    for answer in (other.get("/sign-in/provider"), visitor.get(back)):
        assert answer.status_code == 503
        assert "Gate does not answer" in said(answer)
    assert other.sign_in().status_code == 302
    app.extensions["taizhang"].database.dispose()


def test_without_a_provider_the_page_offers_none(url: str, tmp_path: Path) -> None:
    app = make(url, tmp_path, OIDC_CLIENT_ID="", OIDC_CLIENT_SECRET="")

    assert "provider" not in Visitor(app).get("/sign-in").text
    assert Visitor(app).get("/sign-in/provider").location == "/sign-in?next=/"
    assert Visitor(app).get("/sign-in/provider/return?code=1&state=1").location == "/sign-in"
    app.extensions["taizhang"].database.dispose()
