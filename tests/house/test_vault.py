"""The vault: what is sealed opens only where it belongs, and no personal data lies open anywhere at rest."""

import multiprocessing
import secrets
import stat
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from dispatch.approval.lodge import lodge
from dispatch.journey import Act, Stage
from dispatch.packing.hand_over import hand_over
from dispatch.packing.pack import pack, to_pack
from dispatch.shipment import act, at_stage, lock
from dispatch.vault import (
    AES,
    SM4,
    Sm4Gcm,
    Vault,
    VaultError,
    key_id,
    put_new_key_first,
    read_keys,
    read_or_make_keys,
)


@dataclass
class Row:
    id: UUID
    __tablename__: str = "slips"
    phone: bytes | None = None
    name: bytes | None = None


KEY, NEWER = secrets.token_bytes(32), secrets.token_bytes(32)
VAULT = Vault((KEY,))
IN_SM4 = Vault((KEY,), SM4)
CIPHERS = pytest.mark.parametrize("vault", [VAULT, IN_SM4], ids=[AES, SM4])


def sealed(words: str = "13900000001", vault: Vault = VAULT) -> Row:
    row = Row(uuid4())
    vault.seal(row, "phone", words)
    return row


@CIPHERS
@given(words=st.text())
def test_any_text_comes_back_as_it_was(vault, words):
    assert vault.open(sealed(words, vault), "phone") == words


def test_sm4_gcm_is_that_of_rfc_8998():
    """Appendix A.1: key, nonce, associated data, plaintext, ciphertext and tag."""
    sm4, nonce = Sm4Gcm(bytes.fromhex("0123456789abcdeffedcba9876543210")), bytes.fromhex("00001234567800000000abcd")
    said, told = (
        bytes.fromhex("".join(f"{digit}" * 16 for digit in "abcdefea")),
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    )
    whole = (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert sm4.encrypt(nonce, said, bytes.fromhex(told)).hex() == whole
    assert sm4.decrypt(nonce, bytes.fromhex(whole), bytes.fromhex(told)) == said


def test_whatever_the_settings_say_today_a_value_opens_by_the_cipher_that_sealed_it():
    """Its first bytes name key and cipher: what lies there since before there was a choice is AES."""
    in_aes, in_sm4 = sealed("旧"), sealed("新", IN_SM4)
    assert (in_aes.phone[:8], in_sm4.phone[:8]) == (key_id(KEY), key_id(KEY, SM4))
    assert key_id(KEY) != key_id(KEY, SM4)
    for vault in (VAULT, IN_SM4, Vault((NEWER, KEY), SM4), Vault((NEWER, KEY))):
        assert (vault.open(in_aes, "phone"), vault.open(in_sm4, "phone")) == ("旧", "新")


def test_a_value_that_claims_the_other_cipher_does_not_open():
    for row, claimed in ((sealed(), key_id(KEY, SM4)), (sealed(vault=IN_SM4), key_id(KEY))):
        row.phone = claimed + row.phone[8:]
        with pytest.raises(VaultError):
            VAULT.open(row, "phone")


def test_the_cipher_changes_no_digest():
    assert IN_SM4.digest("order", "a") == VAULT.digest("order", "a")


def test_equal_values_look_different_so_that_a_dump_shows_no_pattern():
    row = sealed()
    first = row.phone
    VAULT.seal(row, "phone", "13900000001")
    assert row.phone != first


def test_nothing_stored_is_nothing_and_not_an_error():
    assert VAULT.open(Row(uuid4()), "phone") is None


def test_a_sealed_value_copied_to_another_row_does_not_open():
    with pytest.raises(VaultError):
        VAULT.open(Row(uuid4(), phone=sealed().phone), "phone")


def test_a_sealed_value_copied_to_another_column_does_not_open():
    row = sealed()
    row.name = row.phone
    with pytest.raises(VaultError):
        VAULT.open(row, "name")


def test_a_sealed_value_copied_to_another_table_does_not_open():
    row = sealed()
    with pytest.raises(VaultError):
        VAULT.open(Row(row.id, "cases", row.phone), "phone")


def test_another_key_does_not_open_it_even_if_its_name_is_forged():
    row = sealed()
    with pytest.raises(VaultError):
        Vault((NEWER,)).open(row, "phone")
    foreign = Row(row.id)
    Vault((NEWER,)).seal(foreign, "phone", "x")
    row.phone = foreign.phone[:8] + row.phone[8:]
    with pytest.raises(VaultError):
        Vault((NEWER,)).open(row, "phone")


@CIPHERS
def test_every_flipped_bit_and_every_shortened_value_is_refused(vault):
    row = sealed("蓝小雨", vault)
    whole = row.phone
    for place in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        row.phone = bytes(changed)
        with pytest.raises(VaultError):
            vault.open(row, "phone")
    for length in range(len(whole)):
        row.phone = whole[:length]
        with pytest.raises(VaultError):
            vault.open(row, "phone")


def test_after_a_rotation_the_old_opens_and_the_new_is_sealed_with_the_new_key():
    row, rotated = sealed("旧"), Vault((NEWER, KEY))
    assert rotated.open(row, "phone") == "旧"
    rotated.seal(row, "phone", "新")
    assert rotated.open(row, "phone") == Vault((NEWER,)).open(row, "phone") == "新"
    with pytest.raises(VaultError):
        VAULT.open(row, "phone")


def test_a_rotation_changes_no_digest_so_that_order_numbers_and_look_ups_hold():
    assert Vault((NEWER, KEY)).digest("order", "a", "b") == VAULT.digest("order", "a", "b")


def test_parts_of_a_digest_do_not_run_into_each_other_nor_purposes_into_parts():
    digests = [("order", "ab", "c"), ("order", "a", "bc"), ("order", "abc"), ("order", "abc", ""), ("orderabc",)]
    assert len({VAULT.digest(*parts) for parts in digests}) == len(digests)
    assert VAULT.digest("order", "a") != Vault((NEWER,)).digest("order", "a")


@pytest.mark.parametrize("keys", [(), (b"short",), (KEY, b"")])
def test_a_key_that_is_no_key_is_refused_at_the_start(keys):
    with pytest.raises(VaultError):
        Vault(keys)


def test_the_key_file_is_for_its_owner_alone_and_stays_the_same(tmp_path):
    file = tmp_path / "home" / "vault.key"
    keys = read_or_make_keys(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ([len(key) for key in keys], read_or_make_keys(file)) == ([32], keys)
    assert [path.name for path in file.parent.iterdir()] == ["vault.key"]


def test_a_new_key_stands_before_the_old_one_and_a_running_process_goes_on_with_it(tmp_path, monkeypatch):
    file = tmp_path / "vault.key"
    old = read_or_make_keys(file)
    running, idle = (Vault(old, reread=lambda: read_keys(file)) for _ in range(2))
    before = sealed("旧", running)
    new = put_new_key_first(file)
    assert (read_or_make_keys(file), stat.S_IMODE(file.stat().st_mode)) == ((new, *old), 0o600)
    monkeypatch.setattr("dispatch.vault.LOOK_AGAIN", -1)
    after = sealed("新", running)
    assert after.phone[:8] == key_id(new)
    monkeypatch.setattr("dispatch.vault.LOOK_AGAIN", 1e9)  # who has not looked yet looks when it must open something
    assert (idle.open(after, "phone"), idle.open(before, "phone")) == ("新", "旧")


@pytest.mark.parametrize("spoilt", ["", "no key at all", "ab" * 31, None])
def test_a_key_file_that_is_spoilt_changes_nothing_for_who_runs(tmp_path, monkeypatch, spoilt):
    file = tmp_path / "vault.key"
    running = Vault(read_or_make_keys(file), reread=lambda: read_keys(file))
    row = sealed("旧", running)
    file.unlink() if spoilt is None else file.write_text(spoilt)
    monkeypatch.setattr("dispatch.vault.LOOK_AGAIN", -1)
    assert running.open(row, "phone") == running.open(sealed("旧", running), "phone") == "旧"


def test_a_draft_left_by_a_killed_process_does_not_keep_the_next_one_from_making_its_key(tmp_path, monkeypatch):
    """In a container every start has the same process id."""
    monkeypatch.setattr("os.link", _killed)
    with pytest.raises(KeyboardInterrupt):
        read_or_make_keys(tmp_path / "vault.key")
    monkeypatch.undo()
    for draft in tmp_path.iterdir():
        draft.touch()
    monkeypatch.setattr("pathlib.Path.unlink", lambda _path: None)
    monkeypatch.setattr("os.link", _killed)
    with pytest.raises(KeyboardInterrupt):
        read_or_make_keys(tmp_path / "vault.key")
    monkeypatch.undo()
    assert len(read_or_make_keys(tmp_path / "vault.key")[0]) == 32


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def _make(barrier, path, answers):
    barrier.wait()
    answers.put(read_or_make_keys(path))


def test_processes_that_make_the_key_at_once_agree_on_one(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(3), spawn.Queue()
    makers = [spawn.Process(target=_make, args=(barrier, tmp_path / "vault.key", answers)) for _ in range(3)]
    for maker in makers:
        maker.start()
    keys = {answers.get(timeout=60) for _ in makers}
    for maker in makers:
        maker.join()
    assert keys == {read_or_make_keys(tmp_path / "vault.key")}


PERSONAL = {
    "applicant": "畲乡蓝氏阿妹",
    "recipient": "钟小林",
    "phone": "13957886501",
    "detail": "寨山头路77号菊花坪",
    "id": "330106199001010018",
    "hold": "欠费未缴清",
}


def test_after_the_whole_road_no_column_of_the_database_holds_personal_data_in_plain(post, drain, decided):
    world = post.world
    slip = {"recipient_name": PERSONAL["recipient"], "phone": PERSONAL["phone"], "detail": PERSONAL["detail"]}
    who = {"applicant_name": PERSONAL["applicant"], "applicant_id_no": PERSONAL["id"]}
    lodge(world, decided(slip=slip, **who), "test")
    lodge(world, decided("331127202611220002", slip=slip, hold=PERSONAL["hold"], **who), "test")
    drain(world)
    with world.begin() as session:
        [booked] = at_stage(session, [Stage.BOOKED])
        act(world, session, lock(session, booked.id), Act.PRINT)
    with world.reading() as session:
        [(code, number)] = to_pack(session)
    pack(world, code, number, "clerk")
    hand_over(world, "ems", "clerk")
    drain(world)
    with world.reading() as session:
        names = list(session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
        # The names come from the catalogue of this very database.
        dump = {name: "\n".join(session.scalars(text(f'SELECT t::text FROM "{name}" t'))) for name in names}  # noqa: S608
    assert {"cases", "slips", "carrier_calls", "shipments", "jobs"} <= {name for name in names if dump[name]}
    for what, value in PERSONAL.items():
        shapes = {value, value.encode().hex(), value.encode("unicode_escape").decode(), value[1:], value[:-1]}
        if value.isascii():
            shapes = {value, value.encode().hex(), value[-8:]}
        for name, rows in dump.items():
            assert not [shape for shape in shapes if shape in rows], f"{what} lies open in {name}"
