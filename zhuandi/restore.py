"""A backup goes back into an empty database, in one transaction with the mode that holds everything back."""

from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, inspect, text
from sqlalchemy.orm import Session

from dispatch.db import Base
from dispatch.reconcile.begin import begin
from dispatch.reconcile.cluster import remember_cluster
from dispatch.restored import How
from dispatch.vault import Vault, VaultError
from zhuandi.backup_file import BackupError, Manifest, Part, chunks, verify
from zhuandi.dump import PLAIN, back_up, copying, driver, tables_in
from zhuandi.migrate import knows, run_in

VERSION = "alembic_version"
HOUSEHOLD = frozenset({"key_marks", "digest_keys", "jobs", "job_failures", "beats", "breakers", "rhythms"})
"""Tables in which a service that was only started leaves rows."""
KEPT_UNDER_ANOTHER = (
    "现有数据是用另一把密钥建立的，另存它要用那一把：把两把都列进 vault.key（备份的那把在第一行）"
    "或 ZHUANDI_VAULT_KEYS，恢复后再去掉。没有恢复，什么也没有改。"
)


def restore(engine: Engine, vault: Vault, path: Path, by: str, keep_in: Path | None = None) -> Manifest:
    """Restore a backup and bring its schema up to this code's; the database is in reconcile mode from the commit on.

    `keep_in`: what is there may be replaced, and a backup of it is kept in this folder first. Raises BackupError.
    """
    manifest = verify(path, vault)
    if not knows(manifest.revision):
        raise BackupError(
            f"{path.name} 的表结构（{manifest.revision}）比本程序新。请用做备份时的或更新的程序来恢复。"
        )
    with engine.connect() as connection:
        _check_target(connection, replace=keep_in is not None)
    if keep_in is not None:
        keep_in.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep(engine, vault, keep_in)
    with engine.begin() as connection:
        for setting in PLAIN:
            connection.execute(text(setting))
        _check_target(connection, replace=keep_in is not None)
        for table in (*tables_in(connection), VERSION):
            connection.execute(text(f'DROP TABLE IF EXISTS "{table}" CASCADE'))
        run_in(connection, manifest.revision)
        _copy_in(connection, path, manifest)
        run_in(connection)
        with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
            begin(session, How.BACKUP, by, manifest.taken_at)
            remember_cluster(session)
    return manifest


def _check_target(connection: Connection, *, replace: bool) -> None:
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    if connection.execute(text(others)).scalar_one():
        raise BackupError("还有程序连着这个数据库。请先停下全部服务（zhuandi up、api、worker、clock），再恢复。")
    if not replace and (filled := _filled(connection)):
        raise BackupError(
            f"数据库不是空的（{'、'.join(filled[:3])} 等有数据），没有恢复。"
            "确要替换，请用 --replace：会先另存现有数据。"
        )
    known = inspect(connection).has_table(VERSION)
    revision = connection.execute(text(f"SELECT version_num FROM {VERSION}")).scalar() if known else None  # noqa: S608
    if revision is not None and not knows(revision):
        raise BackupError(f"数据库现有的表结构（{revision}）比本程序新，不能替换。请用更新后的程序。")


def _filled(connection: Connection) -> list[str]:
    """The tables with rows that somebody would miss."""
    asked = [table for table in tables_in(connection) if table not in HOUSEHOLD]
    return [
        table
        for table in asked
        if connection.execute(text(f'SELECT EXISTS (SELECT 1 FROM "{table}")')).scalar_one()  # noqa: S608 - our tables
    ]


def _keep(engine: Engine, vault: Vault, folder: Path) -> None:
    with engine.connect() as connection:
        filled = _filled(connection)
    if filled:
        try:
            back_up(engine, vault, folder)
        except VaultError:  # its own advice, to put the old key back, is what was just done
            raise BackupError(KEPT_UNDER_ANOTHER) from None
    engine.dispose()


def _copy_in(connection: Connection, path: Path, manifest: Manifest) -> None:
    """Parents before children. Whatever the migrations themselves have written is in the backup already."""
    schema = MetaData()
    schema.reflect(connection, only=lambda name, _: name in Base.metadata.tables)
    parts = {part.table: part for part in manifest.parts}
    for table in schema.sorted_tables:
        part = parts.pop(table.name, None)
        if part is None:
            raise BackupError(f"{path.name} 缺少 {table.name}，不能用来恢复。请换一份备份。")
        restored = _copy_part(connection, path, part)
        if restored != part.rows:
            raise BackupError(f"{part.table} 应恢复 {part.rows} 行，实际 {restored} 行，没有恢复。")
    if parts:
        raise BackupError(f"{path.name} 中有本程序没有的表：{'、'.join(parts)}。")


def _copy_part(connection: Connection, path: Path, part: Part) -> int:
    with driver(connection).cursor() as cursor:
        with cursor.copy(copying(part.table, part.columns, "FROM STDIN")) as copy:
            for chunk in chunks(path, part.table):
                copy.write(chunk)
        return cursor.rowcount
