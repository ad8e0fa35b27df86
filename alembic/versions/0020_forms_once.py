"""forms that are sent twice are done once: what they make keeps their key

Revision: 0020, after 0019, 2026-11-29. Old code may go on: it leaves the new columns empty, and does a form as often as it is
sent.
"""

from alembic import op
import sqlalchemy as sa


revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = ("batches", "telephone_calls", "testimonies")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("form_key", sa.Uuid(), nullable=True))
        op.create_unique_constraint(op.f(f"uq_{table}_form_key"), table, ["form_key"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"uq_{table}_form_key"), table)
        op.drop_column(table, "form_key")
