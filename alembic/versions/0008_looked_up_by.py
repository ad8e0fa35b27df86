"""looked up by

Revision: 0008, after 0007, 2026-11-27. Old code may go on: indexes only. While they are made, a minute for some million
rows, these tables can be read and not written.
"""

from alembic import op
import sqlalchemy as sa


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXES = (("waybills", "shipment_id"), ("contents", "document_id"), ("leg_evidence", "shipment_id"))


def upgrade() -> None:
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index("ix_worklist_open", "worklist", ["opened_at"], postgresql_where=sa.text("settled_at IS NULL"))
    op.create_index("ix_cases_unreleased", "cases", ["item_id"], postgresql_where=sa.text("released_at IS NULL"))


def downgrade() -> None:
    op.drop_index("ix_cases_unreleased", table_name="cases")
    op.drop_index("ix_worklist_open", table_name="worklist")
    for table, column in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
