"""numbers rest

Revision: 0003, after 0002, 2026-11-23.
"""

from alembic import op
import sqlalchemy as sa


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _index(where: str) -> None:
    op.drop_index("uq_waybills_live_number", table_name="waybills")
    op.create_index(
        "uq_waybills_live_number",
        "waybills",
        ["carrier", "number"],
        unique=True,
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    op.add_column("waybills", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    _index("voided_at IS NULL AND retired_at IS NULL")


def downgrade() -> None:
    op.execute("UPDATE waybills SET voided_at = retired_at WHERE voided_at IS NULL AND retired_at IS NOT NULL")
    _index("voided_at IS NULL")
    op.drop_column("waybills", "retired_at")
