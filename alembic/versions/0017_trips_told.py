"""what applicants say of their trips, what supervisors rule of it, and what stands; a registration taken back

Revision: 0017, after 0016, 2026-11-29. Old code may go on: tables and columns that it does not know. A trip that it
records meanwhile is in the ledger, and stands with the next word or ruling on its matter.
"""

from alembic import op
import sqlalchemy as sa


revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def _counts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def upgrade() -> None:
    _testimonies()
    _rulings()
    op.create_table(
        "matter_trips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter_id", sa.Uuid(), nullable=False),
        *_counts("office_trips", "trips"),
        sa.Column("differs_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["matter_id"], ["matters.id"], name=op.f("fk_matter_trips_matter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matter_trips")),
        sa.UniqueConstraint("matter_id", name=op.f("uq_matter_trips_matter_id")),
    )
    op.create_index(
        "ix_matter_trips_differing",
        "matter_trips",
        ["differs_since"],
        postgresql_where=sa.text("differs_since IS NOT NULL"),
    )
    op.add_column("paper_issues", sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("paper_issues", sa.Column("taken_back_by", sa.String(), nullable=True))
    op.add_column("paper_issues", sa.Column("taken_back_why", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_print_jobs_unknown", "print_jobs", ["batch_id"], postgresql_where=sa.text("state = 'unknown'")
    )


def _testimonies() -> None:
    op.create_table(
        "testimonies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        *_counts("office_trips", "trips", "counted_office_trips", "counted_trips"),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("heard", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_testimonies_case_id")),
        sa.ForeignKeyConstraint(["matter_id"], ["matters.id"], name=op.f("fk_testimonies_matter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_testimonies")),
        sa.CheckConstraint("way IN ('telephone', 'sample', 'window')", name=op.f("ck_testimonies_way")),
        sa.CheckConstraint("0 <= office_trips AND office_trips <= trips", name=op.f("ck_testimonies_trips")),
    )
    op.create_index(op.f("ix_testimonies_case_id"), "testimonies", ["case_id"])
    op.create_index(op.f("ix_testimonies_matter_id"), "testimonies", ["matter_id"])


def _rulings() -> None:
    op.create_table(
        "trip_rulings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("testimony_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        *_counts("office_trips", "trips", "counted_office_trips", "counted_trips"),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_trip_rulings_case_id")),
        sa.ForeignKeyConstraint(["matter_id"], ["matters.id"], name=op.f("fk_trip_rulings_matter_id")),
        sa.ForeignKeyConstraint(["testimony_id"], ["testimonies.id"], name=op.f("fk_trip_rulings_testimony_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trip_rulings")),
    )
    op.create_index(op.f("ix_trip_rulings_case_id"), "trip_rulings", ["case_id"])
    op.create_index(op.f("ix_trip_rulings_matter_id"), "trip_rulings", ["matter_id"])
    op.create_index(
        "uq_trip_rulings_standing",
        "trip_rulings",
        ["matter_id"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_print_jobs_unknown", table_name="print_jobs")
    op.drop_column("paper_issues", "taken_back_why")
    op.drop_column("paper_issues", "taken_back_by")
    op.drop_column("paper_issues", "taken_back_at")
    op.drop_table("matter_trips")
    op.drop_table("trip_rulings")
    op.drop_table("testimonies")
