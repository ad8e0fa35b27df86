"""what stood on a posting list and never left the desk: off the list, and remembered

Revision: 0022, after 0021, 2026-11-29. Old code may go on: a new table alone, and the lists lose the lines that it knows.
"""

from alembic import op
import sqlalchemy as sa


revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lines_put_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hand_over_id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("waybill_id", sa.Uuid(), nullable=False),
        sa.Column("put_back_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_back_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["hand_over_id"], ["hand_overs.id"], name=op.f("fk_lines_put_back_hand_over_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_lines_put_back_shipment_id")),
        sa.ForeignKeyConstraint(["waybill_id"], ["waybills.id"], name=op.f("fk_lines_put_back_waybill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lines_put_back")),
    )
    op.create_index(op.f("ix_lines_put_back_hand_over_id"), "lines_put_back", ["hand_over_id"], unique=False)
    op.create_index(op.f("ix_lines_put_back_shipment_id"), "lines_put_back", ["shipment_id"], unique=False)


def downgrade() -> None:
    op.drop_table("lines_put_back")
