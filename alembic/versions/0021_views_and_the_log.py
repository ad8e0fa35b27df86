"""what a saved view says is sealed; nobody empties the audit log or takes its head

Revision: 0021, after 0020, 2026-11-29. Old code may go on: it finds views without filters, under a digest for a name.
What was saved before holds in plain whatever was typed: it is dropped, and whoever wants it saves it again.
"""

from alembic import op
import sqlalchemy as sa


revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

WHOLE = """
CREATE OR REPLACE FUNCTION audit_stays_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
KEPT = ("audit_log", "audit_head")


def upgrade() -> None:
    op.execute("DELETE FROM saved_views")
    op.add_column("saved_views", sa.Column("said", sa.LargeBinary(), nullable=True))
    op.execute(WHOLE)
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_stays_whole()"
        )
    op.execute(
        "CREATE TRIGGER audit_head_stands BEFORE DELETE ON audit_head"
        " FOR EACH ROW EXECUTE FUNCTION audit_stays_whole()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_head_stands ON audit_head")
    for table in KEPT:
        op.execute(f"DROP TRIGGER {table}_is_not_emptied ON {table}")
    op.execute("DROP FUNCTION audit_stays_whole")
    op.execute("DELETE FROM saved_views")
    op.drop_column("saved_views", "said")
