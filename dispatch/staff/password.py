"""Passwords: argon2id, and what a new one must not be."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dispatch.errors import NotAllowedError

LEAST, MOST = 10, 200
HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """The hash with its parameters and salt, as argon2 writes it."""
    return HASHER.hash(password)


@cache
def _nobody() -> str:
    """What a login that does not exist is compared with: a wrong one takes as long as a wrong password."""
    return HASHER.hash("nobody has this password")


def matches(hashed: str | None, password: str) -> bool:
    """Whether this is the password. Takes the same time where there is none."""
    try:
        return HASHER.verify(hashed or _nobody(), password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def check_new(login: str, password: str) -> None:
    """Raises NotAllowedError where it is too short, too long, one character again and again, or the login itself."""
    if not LEAST <= len(password) <= MOST:
        raise NotAllowedError(f"新密码须有 {LEAST} 至 {MOST} 位。")
    if len(set(password)) < 5 or login in password.lower():
        raise NotAllowedError("新密码太容易猜：不能含登录名，也不能只有几个重复的字。")
