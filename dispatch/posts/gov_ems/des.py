"""`arg0`: lower-case hex of DES-CBC-PKCS5 over UTF-8 text, the IV being the key (CARRIERS §7.1).

Single DES is broken and hides nothing from who has the hex: the interface belongs inside a protected network.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

KEY_BYTES = 8
BLOCK_BITS = 64


def enciphered(text: str, key: str) -> str:
    """`text` as arg0 carries it. Raises ValueError where the key is not eight bytes."""
    padder = PKCS7(BLOCK_BITS).padder()  # PKCS5 is PKCS7 on blocks of eight bytes
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = _cipher(key.encode()).encryptor()
    return (encryptor.update(padded) + encryptor.finalize()).hex()


def deciphered(arg0: str, key: str) -> str:
    """The text inside. Raises ValueError where it does not open under this key."""
    decryptor = _cipher(key.encode()).decryptor()
    unpadder = PKCS7(BLOCK_BITS).unpadder()
    padded = decryptor.update(bytes.fromhex(arg0)) + decryptor.finalize()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    if len(key) != KEY_BYTES:
        raise ValueError("政务专递接口的密钥应为 8 个字节，请核对设置。")
    return Cipher(TripleDES(key * 3), modes.CBC(key))  # three times the same key: single DES
