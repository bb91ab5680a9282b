"""The audit trail: entries in one chain, and the number and hash of the last one.

The database itself refuses an entry that does not follow the last one, a change of an entry, and the removal of one
that the retention rule has not reached. Its owner can take the triggers away; the chain of hashes is for that.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_GENESIS: Final = "0" * 64

_SQLITE: Final = (
    """CREATE TRIGGER audit_entries_next BEFORE INSERT ON audit_entries
    WHEN NOT EXISTS (SELECT 1 FROM audit_head WHERE number + 1 = NEW.number AND hash = NEW.previous)
    BEGIN SELECT RAISE(ABORT, 'an audit entry follows the last one'); END""",
    """CREATE TRIGGER audit_entries_fixed BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END""",
    """CREATE TRIGGER audit_entries_kept BEFORE DELETE ON audit_entries
    WHEN OLD.number > (SELECT base_number FROM audit_head)
    BEGIN SELECT RAISE(ABORT, 'an audit entry is removed by the retention rule alone'); END""",
    """CREATE TRIGGER audit_head_moves BEFORE UPDATE ON audit_head
    WHEN NEW.number < OLD.number OR NEW.base_number < OLD.base_number OR NEW.base_number > NEW.number
    BEGIN SELECT RAISE(ABORT, 'the head of the audit trail only moves on'); END""",
    """CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit trail only moves on'); END""",
)

_POSTGRES: Final = (
    """CREATE FUNCTION hexbeat_audit_next() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM audit_head WHERE number + 1 = NEW.number AND hash = NEW.previous) THEN
        RAISE EXCEPTION 'an audit entry follows the last one' USING ERRCODE = '23514'; END IF;
    RETURN NEW; END $$""",
    """CREATE FUNCTION hexbeat_audit_fixed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'an audit entry is never changed' USING ERRCODE = '23514'; END $$""",
    """CREATE FUNCTION hexbeat_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.number > (SELECT base_number FROM audit_head) THEN
        RAISE EXCEPTION 'an audit entry is removed by the retention rule alone' USING ERRCODE = '23514'; END IF;
    RETURN OLD; END $$""",
    """CREATE FUNCTION hexbeat_audit_head() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'the head of the audit trail only moves on' USING ERRCODE = '23514'; END IF;
    IF NEW.number < OLD.number OR NEW.base_number < OLD.base_number OR NEW.base_number > NEW.number THEN
        RAISE EXCEPTION 'the head of the audit trail only moves on' USING ERRCODE = '23514'; END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER audit_entries_next BEFORE INSERT ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION hexbeat_audit_next()""",
    """CREATE TRIGGER audit_entries_fixed BEFORE UPDATE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION hexbeat_audit_fixed()""",
    """CREATE TRIGGER audit_entries_kept BEFORE DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION hexbeat_audit_kept()""",
    """CREATE TRIGGER audit_entries_whole BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION hexbeat_audit_fixed()""",
    """CREATE TRIGGER audit_head_moves BEFORE UPDATE OR DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION hexbeat_audit_head()""",
    """CREATE TRIGGER audit_head_whole BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION hexbeat_audit_head()""",
)


def upgrade() -> None:
    """Make the tables, the head of an empty trail, and the triggers."""
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry_id", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("subject", "role", "door", "action", "what", "filter", "form")
        ),
        sa.Column("rows", sa.BigInteger),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("outcome", "reason", "previous", "hash")),
        sa.CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="audit_entries_outcome"),
    )
    op.create_index("audit_entries_at", "audit_entries", ["at"])
    head = op.create_table(
        "audit_head",
        sa.Column("row_id", sa.Integer, sa.CheckConstraint("row_id = 1", name="audit_head_one"), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("base_number", sa.BigInteger, nullable=False),
        sa.Column("base_hash", sa.Text, nullable=False),
    )
    op.bulk_insert(head, [{"row_id": 1, "number": 0, "hash": _GENESIS, "base_number": 0, "base_hash": _GENESIS}])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.get_bind().exec_driver_sql(statement)
