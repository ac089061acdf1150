"""The floor of a list: bare Flask and SQL on the product's own table and index, as JSON."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask, jsonify, request

from app.storage.session import Database
from bench.rows import NAMES, SLUG, SORTED


def create_app(config: Any) -> Flask:
    """Return the application on the database of ``config``."""
    app = Flask(__name__)
    engine = Database(config.database_url).engine
    names = ", ".join(NAMES)
    where = f"FROM r_{SLUG} WHERE township = :township AND _deleted_at IS NULL"
    last = "" if engine.dialect.name == "sqlite" else " NULLS LAST"
    rows = sa.text(f"SELECT _id, {names} {where} ORDER BY {SORTED} DESC{last}, _id DESC LIMIT 50")
    count = sa.text(f"SELECT count(*) {where}")

    @app.get("/list")
    def listing() -> Any:
        with engine.connect() as tx:
            wanted = {"township": request.args["township"]}
            total = tx.scalar(count, wanted)
            found = tx.execute(rows, wanted).all()
        return jsonify(total=total, rows=[[str(cell) for cell in row] for row in found])

    return app
