"""A backup is made while the service runs: all tables as they are at one moment, in one transaction.

COPY, and not the wheel's pg_dump: a dump of version 18 does not go into a PostgreSQL 15, and here the restored rows
and the mode that holds everything back are committed together.
"""

import hashlib
import re
import zipfile
from pathlib import Path
from time import time

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.orm import Session

from dispatch.audit import AuditHead, head_of
from dispatch.db import Base
from dispatch.key_mark import kept_key, mark_of, open_digests
from dispatch.tables import TABLES
from dispatch.vault import Vault
from zhuandi.backup_file import BackupError, Manifest, Part, drafted, part_name, seal_keys, verify, write_manifest
from zhuandi.migrate import ONE_AT_A_TIME, knows

assert TABLES  # noqa: S101 - importing them declares every table
NAME = "zhuandi-{:%Y%m%dT%H%M%SZ}.zip"
OURS = re.compile(r"zhuandi-\d{8}T\d{6}Z\.zip")
DRAFT = re.compile(rf"\.{OURS.pattern}\.[0-9a-f]{{8}}\.part")
LEFT = 24 * 3600
"""Seconds: nobody writes so long at a draft without a byte."""
PLAIN = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 3",
)
"""However the server is set: what is written here must be read there."""


def back_up(engine: Engine, vault: Vault, target: Path, keys: tuple[bytes, ...] = (), passphrase: str = "") -> Path:
    """Write a backup to the file `target`, or into that folder under the time of the database; where it lies.

    It has its name only when it was read again and found whole. `keys`: to be included, sealed under `passphrase`.
    Raises BackupError.
    """
    with engine.connect() as guard, engine.connect() as connection:
        guard.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": ONE_AT_A_TIME})  # no migration now
        snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with snapshot.begin():
            for setting in PLAIN:
                snapshot.execute(text(setting))
            taken_at, server = snapshot.execute(text("SELECT now(), current_setting('server_version')")).one()
            if (kept := kept_key(snapshot)) is not None:
                vault = open_digests(vault, kept)
            path = target / NAME.format(taken_at) if target.is_dir() else target
            with drafted(path) as draft:
                with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as file:
                    manifest = Manifest(
                        taken_at=taken_at,
                        revision=_revision(snapshot),
                        key_mark=mark_of(vault).hex(),
                        key_ids=vault.key_ids,
                        digest_key="" if kept is None else f"{kept.id}:{kept.key.hex()}",
                        audit_head=_log_end(snapshot),
                        server=server,
                        parts=tuple(_copy_out(snapshot, file, table) for table in tables_in(snapshot)),
                    )
                    write_manifest(file, manifest, vault)
                    if keys:
                        seal_keys(file, keys, passphrase)
                verify(draft, vault)
    return path


def _log_end(connection: Connection) -> str:
    """What the audit log ends with; nothing in a schema from before there was one."""
    return head_of(Session(connection)) if inspect(connection).has_table(AuditHead.__tablename__) else ""


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        raise BackupError("数据库里还没有本系统的表，没有可备份的。")
    revision: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if not knows(revision):
        raise BackupError(f"数据库的表结构（{revision}）比本程序新。请用更新后的程序来备份。")
    return revision


def tables_in(connection: Connection) -> list[str]:
    """The service's tables that this database has: an older one lacks some."""
    there = set(inspect(connection).get_table_names())
    return sorted(there & set(Base.metadata.tables))


def _copy_out(connection: Connection, file: zipfile.ZipFile, table: str) -> Part:
    columns = tuple(column["name"] for column in inspect(connection).get_columns(table))
    digest, rows = hashlib.sha256(), 0
    with (
        driver(connection).cursor() as cursor,
        cursor.copy(copying(table, columns, "TO STDOUT")) as copy,
        file.open(part_name(table), "w", force_zip64=True) as part,
    ):
        for chunk in copy:
            raw = bytes(chunk)
            digest.update(raw)
            rows += raw.count(b"\n")
            part.write(raw)
    return Part(table=table, columns=columns, rows=rows, sha256=digest.hexdigest())


def driver(connection: Connection) -> psycopg.Connection:
    """psycopg's own connection, in the same transaction: COPY is its."""
    own = connection.connection.driver_connection
    if not isinstance(own, psycopg.Connection):
        raise BackupError("备份与恢复只支持 psycopg 连接的 PostgreSQL。")
    return own


def copying(table: str, columns: tuple[str, ...], way: str) -> sql.Composed:
    """COPY of these columns, in text form: one line a row."""
    names = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    return sql.SQL("COPY {} ({}) {}").format(sql.Identifier(table), names, sql.SQL(way))


def rotate(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest backups of a folder until so many are left; files of other names are none of ours.

    And what a backup that was killed has left half written: nobody sees it, and it holds as much of everybody.
    """
    ours = sorted(path for path in folder.iterdir() if OURS.fullmatch(path.name))
    old = ours[: max(0, len(ours) - keep)]
    old += [path for path in folder.iterdir() if DRAFT.fullmatch(path.name) and time() - path.stat().st_mtime > LEFT]
    for path in old:
        path.unlink()
    return old
