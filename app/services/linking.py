"""Linking: which account a person is whom an identity provider vouches for. None is ever made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.errors import AppError
from app.services import attempts
from app.services.attempts import note
from app.services.oidc import Vouched
from app.services.policy import DEFAULT, Policy, Provider
from app.services.sessions import Device
from app.services.signing_in import SignInRefused, login_key, sign_in_as
from app.services.work import now
from app.storage.models_identity import account, linked_identity

#: who linked, where it was the provider's own word
BY_CLAIM = "identity provider"


class PersonUnknown(AppError):
    """One sentence for a person without an account and for one whose account is closed."""

    code = "oidc.unknown_person"
    status = 401
    text = (
        "{label} knows you, but no open account here is linked with you ({subject}). Ask your "
        "administrator to link your account."
    )


class IdentityTaken(AppError):
    code = "oidc.identity_taken"
    status = 409
    text = "{subject} is linked with the account {login} already. Remove that link first."


class SubjectMissing(AppError):
    code = "oidc.subject_missing"
    text = "Enter what the provider calls the person (subject), 1 to 255 characters without spaces."


def sign_in_vouched(
    tx: sa.Connection,
    provider: Provider,
    vouched: Vouched,
    device: Device,
    policy: Policy = DEFAULT,
) -> str:
    """Return the token of a session of the account that is linked with a person.

    A person is linked at the first sign-in where the provider's claim is the login name of an
    open account that is linked with nobody else. An administrator's account is not: only
    another administrator links it. Raises ``PersonUnknown``.
    """
    unknown = PersonUnknown(label=provider.label, subject=vouched.subject[:80])
    found = _linked(tx, vouched) or _by_claim(tx, provider, vouched)
    if found is None:
        raise unknown
    try:
        return sign_in_as(tx, found, device, policy)
    except SignInRefused as error:
        raise unknown from error


def _linked(tx: sa.Connection, vouched: Vouched) -> sa.Row[Any] | None:
    query = (
        sa.select(account)
        .join_from(linked_identity, account)
        .where(
            linked_identity.c.issuer == vouched.issuer, linked_identity.c.subject == vouched.subject
        )
    )
    return tx.execute(query).one_or_none()


def _by_claim(tx: sa.Connection, provider: Provider, vouched: Vouched) -> sa.Row[Any] | None:
    said = vouched.claims.get(provider.claim) if provider.claim else None
    if provider.claim == "email" and vouched.claims.get("email_verified") is not True:
        return None
    key = login_key(said) if isinstance(said, str) else ""
    if not key:
        return None
    found = tx.execute(sa.select(account).where(account.c.login_key == key)).one_or_none()
    if found is None or found.administrator or attempts.is_closed(found, now()):
        return None
    if any(link.issuer == vouched.issuer for link in links(tx, found.id)):
        return None
    link(tx, found.id, vouched.issuer, vouched.subject, BY_CLAIM)
    return found


def link(tx: sa.Connection, number: int, issuer: str, subject: str, by: str) -> None:
    """Say that ``subject`` of ``issuer`` is this account. Raises ``IdentityTaken``."""
    if not subject or len(subject) > 255 or not subject.isprintable() or " " in subject:
        raise SubjectMissing()
    taken = tx.scalar(
        sa.select(account.c.login)
        .join_from(linked_identity, account)
        .where(linked_identity.c.issuer == issuer, linked_identity.c.subject == subject)
    )
    if taken:
        raise IdentityTaken(subject=subject, login=taken)
    tx.execute(
        linked_identity.insert().values(
            issuer=issuer, subject=subject, account_id=number, linked_at=now(), linked_by=by
        )
    )
    note(tx, number, "linked", by)


def unlink(tx: sa.Connection, number: int, which: int, by: str | None = None) -> bool:
    """Remove a link of an account; ``False`` when it has no such link."""
    removed = tx.execute(
        linked_identity.delete().where(
            linked_identity.c.id == which, linked_identity.c.account_id == number
        )
    )
    if removed.rowcount:
        note(tx, number, "unlinked", by)
    return bool(removed.rowcount)


def links(tx: sa.Connection, number: int) -> Sequence[sa.Row[Any]]:
    """Return whom an account is linked with."""
    query = sa.select(linked_identity).where(linked_identity.c.account_id == number)
    return tx.execute(query.order_by(linked_identity.c.id)).all()
