"""what the counter's pages look up among all that there ever was: numbers, hand-overs, proofs and news by their time

Revision: 0019, after 0018, 2026-11-29. Old code may go on: indexes only.
"""

from alembic import op
import sqlalchemy as sa


revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_waybills_number", "waybills", ["number"])
    op.create_index("ix_hand_overs_made_at", "hand_overs", ["made_at"])
    op.create_index("ix_leg_evidence_happened_at", "leg_evidence", ["happened_at"])
    op.create_index("ix_sightings_received_at", "sightings", ["received_at"], postgresql_using="brin")
    op.create_index(
        "ix_print_runs_unanswered", "print_runs", ["batch_id"], postgresql_where=sa.text("answered_at IS NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_print_runs_unanswered", table_name="print_runs")
    op.drop_index("ix_sightings_received_at", table_name="sightings")
    op.drop_index("ix_leg_evidence_happened_at", table_name="leg_evidence")
    op.drop_index("ix_hand_overs_made_at", table_name="hand_overs")
    op.drop_index("ix_waybills_number", table_name="waybills")
