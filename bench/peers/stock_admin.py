"""A stock Flask-Admin: a hand-written model and its ModelView, as its manual shows them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from flask import Flask, redirect, request, session
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_sqlalchemy import SQLAlchemy
from wtforms import validators

from bench.rows import GRADES, NAMES, PROPERTIES, SCALES, SLUG, TOWNSHIPS

TABLE = "stock_enterprise"
REQUIRED = {"credit_code", "name", "township", "industry_code"}


def type_of(name: str) -> sa.types.TypeEngine[Any]:
    """Return the type a developer would give the column."""
    prop = PROPERTIES[name]
    if name in SCALES:
        return sa.Numeric(18, SCALES[name])
    plain = {"integer": sa.Integer(), "boolean": sa.Boolean()}
    if prop["type"] in plain:
        return plain[prop["type"]]
    if prop.get("format") == "date":
        return sa.Date()
    return sa.String(prop["maxLength"]) if "maxLength" in prop else sa.Text()


def columns() -> list[sa.Column[Any]]:
    """Return the columns of the register, with an id."""
    made: list[sa.Column[Any]] = [sa.Column("id", sa.Integer, primary_key=True)]
    for name in NAMES:
        unique = PROPERTIES[name].get("unique")
        made.append(sa.Column(name, type_of(name), unique=unique, nullable=name not in REQUIRED))
    return made


def make_table(world: Any) -> None:
    """Create the table and copy every row of the product's register into it."""
    table = sa.Table(TABLE, sa.MetaData(), *columns())
    with world.platform.writing(world_actor()) as work:
        main = work.published(SLUG).tables.main
        table.drop(work.tx, checkfirst=True)
        table.create(work.tx)
        chosen: list[Any] = []
        for name in NAMES:
            column = main.c[name]
            if name in SCALES and world.database.sqlite:
                chosen.append(sa.type_coerce(column, sa.Float()) / 10.0 ** SCALES[name])
            else:
                chosen.append(column)
        work.tx.execute(table.insert().from_select(list(NAMES), sa.select(*chosen)))
    world.analyze()


def world_actor() -> Any:
    from bench.world import ME

    return ME


def view_class() -> type[ModelView]:
    """Return the view of the register, set up as its manual shows."""
    checks: dict[str, Any] = {
        name: {"validators": [validators.Optional(), validators.NumberRange(min=0)]}
        for name in (*SCALES, "employees")
    }
    for name in ("credit_code", "industry_code", "phone"):
        first = [] if name in REQUIRED else [validators.Optional()]
        checks[name] = {"validators": [*first, validators.Regexp(PROPERTIES[name]["pattern"])]}

    class StockView(ModelView):
        form_base_class = SecureForm
        page_size = 50
        named_filter_urls = True
        column_list = NAMES
        column_filters = ("township", "grade", "is_above_scale")
        column_default_sort = ("output_value_2025", True)
        form_choices = {
            "township": [(t, t) for t in TOWNSHIPS],
            "grade": [(g, g) for g in GRADES],
        }
        form_args = checks

        def is_accessible(self) -> bool:
            return session.get("user") == "bench"

    return StockView


def create_app(config: Any, registers: int = 1) -> Flask:
    """Return the application on the database of ``config``."""
    app = Flask(__name__)
    url = sa.make_url(config.database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    app.config.update(
        SECRET_KEY="only for measuring", SQLALCHEMY_DATABASE_URI=url, SESSION_COOKIE_NAME="stock"
    )
    if find_spec("flask_babel"):  # Flask-Admin asks for it wherever it is installed
        import_module("flask_babel").Babel(app)
    db = SQLAlchemy(app)
    admin = Admin(app, name="stock")
    view = view_class()
    for number in range(registers):
        name = "Enterprise" if not number else f"Register{number:03d}"
        table = TABLE if not number else f"stock_{number:03d}"
        body: dict[str, Any] = {"__tablename__": table}
        body |= {column.name: column for column in columns()}
        model = type(name, (db.Model,), body)
        admin.add_view(view(model, db.session, name=name, endpoint=f"stock{number}"))

    @app.get("/sign-in")
    def sign_in() -> Any:
        session["user"] = request.args["user"]
        return redirect("/admin/")

    return app


def create_ten(config: Any) -> Flask:
    return create_app(config, 10)


def create_five_hundred(config: Any) -> Flask:
    return create_app(config, 500)
