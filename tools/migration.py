"""Write the next revision of the tables: `make migration m="add tag history"`.

Compares the tables in the code with a database brought to the newest revision, and writes the difference to
moorage/db/migrations/versions/. Read what it wrote, correct it, and say in its docstring what it locks for how long.
`--again` writes the newest revision anew instead (only while no release has it).
"""

import argparse
import re
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

from alembic import command
from alembic.operations.ops import CreateIndexOp, MigrationScript
from sqlalchemy import Column, Connection, create_engine
from sqlalchemy.types import JSON, TypeEngine

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from moorage.db.base import Base, Id, Name, UtcTime, load_tables  # noqa: E402 - the line above makes it importable from a checkout
from moorage.db.migrate import FOLDER, configure  # noqa: E402

VERSIONS = FOLDER / "versions"
PROBE = """
    # the row that the readiness check writes
    op.bulk_insert(sa.table("probe", sa.column("id", sa.SmallInteger), sa.column("count")), [{"id": 1, "count": 0}])
"""


def main() -> None:
    """Read the command line and write one file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("message", nargs="?", default="", help="what the revision does: 'add tag history'")
    parser.add_argument("--again", action="store_true", help="replace the newest revision")
    arguments = parser.parse_args()

    load_tables()
    files = sorted(VERSIONS.glob("[0-9]*_*.py"))
    message = arguments.message
    if arguments.again:
        last = files.pop()
        message = message or last.stem.partition("_")[2].replace("_", " ").capitalize()
        last.unlink()
    if not message:
        parser.error("say what the revision does")
    number = f"{len(files) + 1:04}"
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "autogenerate skipping metadata-specified expression-based index")
        engine = create_engine(f"sqlite:///{folder}/moorage.db")
        with engine.begin() as db:
            config = configure(db, metadata=Base.metadata, render_item=render)
            command.upgrade(config, "head")
            add = partial(add_indexes, db)
            command.revision(config, message, autogenerate=True, rev_id=number, process_revision_directives=add)
    file = next(VERSIONS.glob(f"{number}_*.py"))
    tidy(file, first=not files)
    migrate = FOLDER.parent / "migrate.py"
    migrate.write_text(re.sub(r'^HEAD = ".*"$', f'HEAD = "{number}"', migrate.read_text(), flags=re.MULTILINE))
    print(f"{file.relative_to(ROOT)}: now read it")


def add_indexes(db: Connection, _context: object, _revision: object, scripts: list[MigrationScript]) -> None:
    """Add the new indexes over expressions (`id DESC`), which Alembic leaves out on SQLite."""
    there = set(db.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'").scalars())
    operations = scripts[0].upgrade_ops
    if operations is None:
        raise TypeError("Alembic made no operations")
    for table in Base.metadata.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in there and not all(isinstance(part, Column) for part in index.expressions):
                operations.ops.append(CreateIndexOp.from_index(index))


def render(kind: str, item: object, _context: object) -> str | bool:
    """How a revision writes our own column types: by the names at its top, which do not change with the code."""
    if kind != "type" or not isinstance(item, TypeEngine):
        return False
    if isinstance(item, UtcTime):
        return "TIME"
    if isinstance(item, JSON):
        return "sa.JSON()"
    variants = getattr(item, "_variant_mapping", {})
    if isinstance(item, type(Id)) and "sqlite" in variants:
        return "ID"
    if "postgresql" in variants:
        return {255: "NAME", 128: "TAG"}[getattr(item, "length", 0)] if isinstance(item, type(Name)) else False
    return False


def tidy(file: Path, *, first: bool) -> None:
    """Drop Alembic's notes, and let the formatter set the lines."""
    text = file.read_text().replace(", after .", ", the first.")
    text = re.sub(r"sa\.text\(['\"]\((true|false)\)['\"]\)", r'sa.text("\1")', text)  # Alembic's parentheses
    text = re.sub(r"^ *# (### .*|please adjust.*)\n", "", text, flags=re.MULTILINE)
    if first:
        text = text.replace("say which table is locked for how long on a million rows", "none, all tables are new")
        text = text.rstrip() + "\n" + PROBE
    file.write_text(text)
    command_line = ["ruff", "format", "--isolated", "--line-length", "120", str(file)]
    subprocess.run([sys.executable, "-m", *command_line], check=True)


if __name__ == "__main__":
    main()
