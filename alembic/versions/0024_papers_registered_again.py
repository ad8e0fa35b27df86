"""a paper that is registered again leaves the earlier registration in the books

Revision: 0024, after 0023, 2026-11-29. Old code may go on: it looks for the one that stands by `case_id`, as ever, and
finds no other; one that it registers again itself it writes over, as it always did. Rows of which it does not know are
minutes old, so that it has none of them to erase; and keys are rotated whatever a row is of.
"""

from alembic import op
import sqlalchemy as sa


revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("paper_issues", sa.Column("earlier_of", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_paper_issues_earlier_of"), "paper_issues", "cases", ["earlier_of"], ["id"])
    op.create_index(op.f("ix_paper_issues_earlier_of"), "paper_issues", ["earlier_of"])
    op.alter_column("paper_issues", "case_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_paper_issues_of_a_case"), "paper_issues", "num_nonnulls(case_id, earlier_of) = 1"
    )


def downgrade() -> None:
    op.execute("DELETE FROM paper_issues WHERE case_id IS NULL")
    op.drop_constraint(op.f("ck_paper_issues_of_a_case"), "paper_issues")
    op.alter_column("paper_issues", "case_id", nullable=False)
    op.drop_index(op.f("ix_paper_issues_earlier_of"), "paper_issues")
    op.drop_constraint(op.f("fk_paper_issues_earlier_of"), "paper_issues")
    op.drop_column("paper_issues", "earlier_of")
