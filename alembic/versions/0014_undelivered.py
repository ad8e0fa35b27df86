"""undelivered: envelopes that end without a delivery, papers that are made anew, who took an entry in hand

Revision: 0014, after 0009, 2026-11-28. Old code may go on: columns that it does not know, and a stage that only new
acts lead to.
"""

from alembic import op
import sqlalchemy as sa


revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STAGES = (
    *("gathering", "to_book", "booking", "in_doubt", "refused", "booked", "printed", "packed", "cancelling"),
    *("handed_over", "closed", "cancelled"),
)
NEW = "undelivered"


def _allow(*stages: str) -> None:
    """One statement: at no moment a stage may be anything."""
    listed = ", ".join(repr(stage) for stage in stages)
    op.execute(
        "ALTER TABLE shipments DROP CONSTRAINT ck_shipments_stage,"
        f" ADD CONSTRAINT ck_shipments_stage CHECK (stage IN ({listed})) NOT VALID"
    )
    op.execute("ALTER TABLE shipments VALIDATE CONSTRAINT ck_shipments_stage")


def upgrade() -> None:
    _allow(*STAGES, NEW)
    op.add_column("documents", sa.Column("lost_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("holds", sa.Column("until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("worklist", sa.Column("owner", sa.String(), nullable=True))
    op.add_column("worklist", sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("worklist", "taken_at")
    op.drop_column("worklist", "owner")
    op.drop_column("holds", "until")
    op.drop_column("documents", "lost_at")
    op.execute("UPDATE shipments SET stage = 'cancelled' WHERE stage = 'undelivered'")
    _allow(*STAGES)
