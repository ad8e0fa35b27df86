"""looked up by

Revision: 0008, after 0007, 2026-11-27. Old code may go on: indexes only. While they are made, a minute for some million
rows, these tables can be read and not written.
"""

from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXES = (("waybills", "shipment_id"), ("contents", "document_id"), ("leg_evidence", "shipment_id"))


def upgrade() -> None:
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    for table, column in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
