"""lists that are uploaded, what their headings mean, changes of slips, and the register of papers

Revision: 0011, after 0010, 2026-11-28. Old code may go on: tables of their own, and a column that it leaves empty.
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = ("columns", "checked", "taken", "dropped")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name_digest", sa.LargeBinary(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("faults", sa.LargeBinary(), nullable=True),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name=op.f("ck_imports_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_at", "imports", ["at"])
    op.create_table(
        "heading_maps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("centre", sa.String(), nullable=False),
        sa.Column("headings_digest", sa.String(), nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heading_maps")),
        sa.UniqueConstraint("centre", "headings_digest", name=op.f("uq_heading_maps_centre_headings_digest")),
    )
    op.create_table(
        "slip_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_slip_changes_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slip_changes")),
    )
    op.create_index("ix_slip_changes_case_id", "slip_changes", ["case_id"])
    op.create_table(
        "paper_issues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("licence_no", sa.LargeBinary(), nullable=True),
        sa.Column("originals", sa.Integer(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("enclosures", sa.LargeBinary(), nullable=True),
        sa.Column("given_by", sa.LargeBinary(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "originals >= 0 AND copies >= 0 AND originals + copies > 0", name=op.f("ck_paper_issues_some")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_paper_issues_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_issues")),
        sa.UniqueConstraint("case_id", name=op.f("uq_paper_issues_case_id")),
    )
    op.create_index("ix_paper_issues_taken_at", "paper_issues", ["taken_at"])
    op.add_column("slips", sa.Column("former", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("slips", "former")
    op.drop_table("paper_issues")
    op.drop_table("slip_changes")
    op.drop_table("heading_maps")
    op.drop_table("imports")
