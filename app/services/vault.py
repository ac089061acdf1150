"""What is kept readable for us alone: sealed with a key that is not in the database."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import AppError


class SealBroken(AppError):
    code = "vault.seal_broken"
    status = 409
    text = (
        "The second factor of this account was stored with another secret key and cannot be read. "
        "Ask an administrator to reset it, then set it up again."
    )


#: what is sealed, each with a key of its own
SECOND_FACTOR, WEBHOOK = b"taizhang second factor", b"taizhang webhook"


class Vault:
    """Seals and opens short texts; the key is derived from the application's secret key."""

    def __init__(self, secret_key: str, purpose: bytes = SECOND_FACTOR) -> None:
        derived = HKDF(SHA256(), 32, None, purpose).derive(secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the text. Raises ``SealBroken`` when it was sealed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode("utf-8", "replace")).decode()
        except InvalidToken as error:
            raise SealBroken() from error
