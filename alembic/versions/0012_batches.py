"""batches with their items, print runs, printers and what waits for them

Revision: 0012, after 0009, 2026-11-28. Old code may go on: tables of their own.
"""

from alembic import op
import sqlalchemy as sa


revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

KINDS = ("release", "hold", "lift", "print")
LANGUAGES = ("zpl", "tspl")
STATES = ("waiting", "sending", "sent", "unknown", "failed", "stopped")


def _among(column, words):
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(_among("kind", KINDS), name=op.f("ck_batches_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_made_at", "batches", ["made_at"])
    op.create_table(
        "batch_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("of", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waybill_id", sa.Uuid(), nullable=True),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id")),
        sa.ForeignKeyConstraint(["waybill_id"], ["waybills.id"], name=op.f("fk_batch_items_waybill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_items")),
        sa.UniqueConstraint("batch_id", "place", name=op.f("uq_batch_items_batch_id_place")),
    )
    op.create_index("ix_batch_items_of", "batch_items", ["of"])
    op.create_index(
        "ix_batch_items_waiting", "batch_items", ["batch_id"], postgresql_where=sa.text("outcome = 'waiting'")
    )
    op.create_table(
        "print_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("again_of", sa.Uuid(), nullable=True),
        sa.Column("came_out", sa.Integer(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["again_of"], ["batches.id"], name=op.f("fk_print_runs_again_of")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_print_runs_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_runs")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_print_runs_batch_id")),
    )
    op.create_table(
        "printers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("darkness", sa.Integer(), nullable=True),
        sa.Column("shift_right", sa.Integer(), nullable=False),
        sa.Column("shift_down", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(_among("language", LANGUAGES), name=op.f("ck_printers_language")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printers")),
    )
    op.create_index(
        "uq_printers_name", "printers", ["name"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    op.create_table(
        "print_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("printer_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("sheets", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_among("state", STATES), name=op.f("ck_print_jobs_state")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_print_jobs_batch_id")),
        sa.ForeignKeyConstraint(["printer_id"], ["printers.id"], name=op.f("fk_print_jobs_printer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_jobs")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_print_jobs_batch_id")),
    )
    op.create_index("ix_print_jobs_printer_id", "print_jobs", ["printer_id"])
    op.create_index(
        "ix_print_jobs_open",
        "print_jobs",
        ["printer_id"],
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )


def downgrade() -> None:
    for table in ("print_jobs", "printers", "print_runs", "batch_items", "batches"):
        op.drop_table(table)
