"""keys of client systems with scopes and an end; a one-time code being set up; the audit log by person and day

Revision: 0010, after 0009, 2026-11-28. Old code may go on: it knows a key as long as `clients.key_digest` has it.
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BEFORE = """'["cases.write", "cases.read", "errands"]'::jsonb"""
"""What every key could do before there were scopes."""


def upgrade() -> None:
    op.add_column("staff", sa.Column("totp_offered", sa.LargeBinary(), nullable=True))
    op.add_column(
        "clients", sa.Column("scopes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.alter_column("clients", "key_digest", nullable=True)
    op.create_table(
        "client_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_keys_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_client_keys_digest")),
    )
    op.create_index("ix_client_keys_client_id", "client_keys", ["client_id"])
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_index("ix_audit_log_by", "audit_log", ["by"])
    op.execute(f"UPDATE clients SET scopes = {BEFORE}")  # noqa: S608 - a constant
    op.execute(
        "INSERT INTO client_keys (id, client_id, digest, hint, made_at, made_by, revoked_at)"
        " SELECT id, id, key_digest, '', created_at, '', revoked_at FROM clients"
    )


def downgrade() -> None:
    op.drop_index("ix_audit_log_by", "audit_log")
    op.drop_index("ix_audit_log_at", "audit_log")
    op.drop_table("client_keys")
    op.execute("DELETE FROM clients WHERE key_digest IS NULL")
    op.alter_column("clients", "key_digest", nullable=False)
    op.drop_column("clients", "scopes")
    op.drop_column("staff", "totp_offered")
