"""The secret that makes stored PINs useless to a thief of the database (decision D8).

The secret file holds 32 random bytes as 64 hexadecimal digits. HKDF (RFC 5869, SHA-256) derives from it

- the *lookup key*: a PIN is found by its HMAC-SHA-256 (RFC 2104), the same for the same PIN;
- the *sealing key*: a PIN is shown again from a ChaCha20-Poly1305 ciphertext (RFC 8439), stored behind its
  random 96-bit nonce and bound to its room and role, so that a ciphertext moved to another row does not open;
- the *link key*, which signs the links that let people into a room (``gateway.web.tokens``);
- the *check value*, kept in the database to notice at start that file and database do not belong together.

A PIN of ten digits has 33 bits: whoever has the secret tries them all within the hour, as one would against
any unkeyed hash. So it is the file alone that protects. Keep it apart from the database's backups; and keep
it, since without it no PIN is ever found or shown again.
"""

import hmac
import os
import secrets
import stat
from pathlib import Path

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.outcome import Outcome, PasserelleError

SECRET_BYTES = 32
_NONCE_BYTES = 12

log = structlog.get_logger(__name__)


class SecretError(PasserelleError):
    """The secret file cannot be used, or does not fit what it should open."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, outcome=Outcome.UNAVAILABLE, hint=hint)


class PinKeys:
    """The keys derived from one secret of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._lookup_key = _derive(secret, b"passerelle: PIN lookup")
        self._sealing = ChaCha20Poly1305(_derive(secret, b"passerelle: PIN sealing"))
        self.link_key = _derive(secret, b"passerelle: room links")
        self.check_value = _derive(secret, b"passerelle: check value")

    def lookup(self, pin: str) -> bytes:
        """Return the 32 bytes by which the PIN is found."""
        return hmac.digest(self._lookup_key, pin.encode(), "sha256")

    def seal(self, pin: str, bound_to: str) -> bytes:
        """Encrypt the PIN so that only ``reveal`` with the same ``bound_to`` shows it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, pin.encode(), bound_to.encode())

    def reveal(self, sealed: bytes, bound_to: str) -> str:
        """Decrypt what ``seal`` made; raise :class:`SecretError` when anything about it was changed."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._sealing.decrypt(nonce, ciphertext, bound_to.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretError(
                "A stored PIN does not open: its row was altered.",
                hint="Remove the room and add it again, and find out who wrote to the database.",
            ) from error


def read_secret(path: Path) -> bytes | None:
    """Read the secret file; ``None`` when there is none.

    Raises :class:`SecretError` when it cannot be read, is damaged, or is open to others than its owner.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretError(
            f"The secret file {path} cannot be read: {error.strerror}.",
            hint="Give it to the user that Passerelle runs as, or set database.secret_file.",
        ) from error
    if mode & 0o077:
        raise SecretError(
            f"The secret file {path} is open to others than its owner (mode {mode:04o}).",
            hint=f"chmod 600 {path}",
        )
    try:
        secret = bytes.fromhex(text.decode())
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise SecretError(
            f"The secret file {path} is damaged: it should hold {2 * SECRET_BYTES} hexadecimal digits.",
            hint="Restore it from a backup.",
        )
    return secret


def make_secret(path: Path) -> bytes:
    """Make the secret file (mode 0600) and return what it holds; that of another process, if it was quicker.

    It appears complete or not at all: written aside, synced, then linked to its name unless that exists.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(SECRET_BYTES).encode() + b"\n")
                file.flush()
                os.fsync(descriptor)
            os.link(aside, path)
            log.info("Made the secret file; keep a copy apart from the database", path=str(path))
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    except OSError as error:
        raise SecretError(
            f"The secret file {path} cannot be made: {error.strerror}.",
            hint="Set database.secret_file to a place that Passerelle may write to.",
        ) from error
    secret = read_secret(path)
    if secret is None:
        raise SecretError(f"The secret file {path} vanished as soon as it was made.", hint="Start again.")
    return secret


def fitting_keys(path: Path, stored_check: bytes | None) -> PinKeys | None:
    """Return the keys of the secret file, or ``None`` when that is still to be made, and can be.

    ``stored_check`` is the check value of the database, ``None`` in a new one. Raises :class:`SecretError`
    when it is not of this secret.
    """
    secret = read_secret(path)
    if secret is None and stored_check is not None:
        raise SecretError(
            f"The secret file {path} is missing, and without it no PIN in the database can be found.",
            hint="Copy it from the backup or from the first machine, or set database.secret_file.",
        )
    if secret is None:
        _check_place(path)
        return None
    keys = PinKeys(secret)
    if stored_check is not None and not hmac.compare_digest(keys.check_value, stored_check):
        raise SecretError(
            f"The secret file {path} belongs to another database.",
            hint="Restore the file that was used with this database, or set database.secret_file.",
        )
    return keys


def _check_place(path: Path) -> None:
    """Raise :class:`SecretError` unless a file could be made there."""
    folder = path.parent
    if not folder.is_dir():
        problem, hint = f"there is no folder {folder}", f"mkdir -p {folder}"
    elif not os.access(folder, os.W_OK | os.X_OK):
        problem, hint = f"{folder} cannot be written to", "give it to the user that Passerelle runs as"
    else:
        return
    raise SecretError(
        f"The secret file {path} cannot be made: {problem}.", hint=f"{hint}; or set database.secret_file"
    )


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
