"""keys that change while the service runs, and people who are forgotten when the time is up

Revision: 0015, after 0009, 2026-11-28. Old code may go on: what it leaves out may be empty, what it writes is valid.
"""

from alembic import op
import sqlalchemy as sa


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STANDS = """
CREATE OR REPLACE FUNCTION audit_log_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'detail') = (to_jsonb(OLD) - 'detail') AND (NEW.detail IS NULL{resealed})
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_log is append-only';
END $$
"""
# Sealed anew by a rotation of keys, which says so first. What it says is guarded by the digest in the chain.
RESEALED = """ OR (
        OLD.detail IS NOT NULL AND octet_length(NEW.detail) = octet_length(OLD.detail)
        AND coalesce(current_setting('zhuandi.resealing', true), '') = 'on')"""


def upgrade() -> None:
    op.create_table(
        "digest_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_digest_keys_name")),
    )
    op.add_column("items", sa.Column("retention", sa.Interval(), nullable=True))
    op.add_column("closures", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_closures_kept", "closures", ["closed_at"], postgresql_where=sa.text("erased_at IS NULL"))
    op.add_column("reveals", sa.Column("why", sa.LargeBinary(), nullable=True))
    op.execute(STANDS.format(resealed=RESEALED))


def downgrade() -> None:
    op.execute(STANDS.format(resealed=""))
    op.drop_column("reveals", "why")
    op.drop_index("ix_closures_kept", table_name="closures")
    op.drop_column("closures", "erased_at")
    op.drop_column("items", "retention")
    op.drop_table("digest_keys")
