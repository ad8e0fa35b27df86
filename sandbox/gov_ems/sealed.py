"""``arg0``: lower-case hexadecimal of DES-CBC over UTF-8 XML, IV = key (CARRIERS §7.1)."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK_BITS = 64


def unseal(arg0: str, key: str) -> str:
    """The XML inside; ValueError for what this key does not open."""
    if not arg0 or arg0 != arg0.lower():
        raise ValueError("not lower-case hexadecimal")
    decryptor, unpadder = _cipher(key).decryptor(), PKCS7(BLOCK_BITS).unpadder()
    padded = decryptor.update(bytes.fromhex(arg0)) + decryptor.finalize()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def seal(text: str, key: str) -> str:
    """As a county seals it: for tests and for whoever practises by hand."""
    encryptor, padder = _cipher(key).encryptor(), PKCS7(BLOCK_BITS).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    return (encryptor.update(padded) + encryptor.finalize()).hex()


def _cipher(key: str) -> Cipher[modes.CBC]:
    raw = key.encode()
    return Cipher(TripleDES(raw * 3), modes.CBC(raw))  # three times one key is DES
