"""RegisterView: Flask-Admin's model view, made from a published register at request time.

It keeps Flask-Admin's hooks and endpoints and none of its data path: every endpoint asks a
service. Inline edit, bulk actions, Flask-Admin's own lookup and export are switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wtforms
from flask import render_template, request, url_for
from flask_admin import expose
from flask_admin.model import BaseModelView
from werkzeug.wrappers import Response

from app.faces.admin import (
    addresses,
    bin_pages,
    debt_page,
    desk,
    draft_pages,
    entry,
    files,
    lookups,
    record_pages,
    return_page,
    returns_pages,
    saving,
    together_pages,
    workflow_pages,
)
from app.faces.admin import exchange_pages as exchange
from app.faces.admin.listing import Lister
from app.faces.admin.people import access_pages
from app.services import debts, lists, records, rights
from app.services.lists import Page
from app.services.reading import Record
from app.storage.catalog import Published
from app.words import gettext as _

FORMATS = (("xlsx", "Excel"), ("csv", "CSV"), ("jsonl", "JSON Lines"))
#: an id; a larger number in an address is no address
ID = f"<int(max={2**63 - 1}):id>"
NUMBER = f"<int(max={2**63 - 1}):number>"


class RegisterView(BaseModelView):
    """The pages of one register at one revision."""

    can_export = False
    can_view_details = True
    page_size = addresses.DEFAULT_SIZE
    page_size_options = lists.SIZES

    # switched off: they would go round the services
    action_view = None
    ajax_lookup = None
    ajax_update = None
    export = None

    def __init__(self, published: Published) -> None:
        self.published = published
        self.register = published.register
        self.lister = Lister(published.register)
        super().__init__(published, name=published.register.title, endpoint="register")

    @property
    def root(self) -> str:
        return url_for("register.index_view", slug=self.register.slug)

    # ── Flask-Admin's hooks

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the view plainly: Flask-Admin's own would call it twice after a TypeError."""
        return fn(self, *args, **kwargs)

    def get_pk_value(self, model: Record) -> int:
        return model.id

    def scaffold_list_columns(self) -> list[str]:
        return [field.name for field in self.lister.fields]

    def scaffold_sortable_columns(self) -> dict[str, str]:
        return {f.name: f.name for f in self.lister.fields if f.kind.sortable}

    def init_search(self) -> bool:
        return bool(self.register.search)

    def get_filters(self) -> None:
        return None

    def scaffold_form(self) -> type[wtforms.Form]:
        return entry.form_class(self.register)

    # ── pages

    @expose("/")
    def index_view(self) -> str:
        with desk.reading() as work:
            query = addresses.parse(request.args.items(multi=True))
            may = rights.may(work, self.register.slug)
            page: Page = lists.page(
                work, self.register.slug, query, tuple(self.scaffold_list_columns())
            )
            context = self.lister.context(work, page, self.root)
            context |= {
                "tabs": workflow_pages.tabs(self, work, query),
                "bulk": workflow_pages.bulk_steps(self), "state": query.state,
            }  # fmt: skip
            owed = debts.count(work, self.register.slug) if may.change else 0
            return self.page(
                "list", **context, debt=f"{owed:,}" if owed else "", formats=FORMATS,
                crumbs=[(self.register.title, "")], description=self.register.description,
                definition_url=url_for("definitions.show", name=self.register.slug), may=may,
                returns=self.register.period is not None,
            )  # fmt: skip

    @expose("/new", methods=("GET", "POST"))
    def create_view(self) -> str | Response | tuple[str, int]:
        if request.method == "POST":
            return saving.create(self)
        return saving.blank(self)

    @expose(f"/{ID}")
    def details_view(self, id: int) -> str:
        return record_pages.show(self, id)

    @expose(f"/{ID}/access")
    def access_view(self, id: int) -> str:
        return access_pages.of_record(self, id)

    def again(self, id: int, tried: Mapping[str, str]) -> str:
        """Return a record's page with what was typed about it and refused."""
        return record_pages.show(self, id, tried)

    @expose(f"/{ID}/edit", methods=("GET", "POST"))
    def edit_view(self, id: int) -> str | Response | tuple[str, int]:
        if request.method == "POST":
            return saving.change(self, id)
        return saving.opened(self, id)

    @expose(f"/{ID}/delete", methods=("GET", "POST"))
    def delete_view(self, id: int) -> str | Response | tuple[str, int]:
        return bin_pages.delete(self, id)

    @expose(f"/{ID}/reveal/<field>", methods=("POST",))
    def reveal_view(self, id: int, field: str) -> str | Response:
        return record_pages.reveal(self, id, field)

    @expose(f"/{ID}/undelete", methods=("POST",))
    def undelete_view(self, id: int) -> Response:
        return bin_pages.undelete(self, id)

    @expose(f"/{ID}/restore", methods=("POST",))
    def restore_view(self, id: int) -> Response:
        return record_pages.restore(self, id)

    @expose(f"/{ID}/step/<step>", methods=("GET", "POST"))
    def step_view(self, id: int, step: str) -> str | Response | tuple[str, int]:
        return workflow_pages.step(self, id, step)

    @expose(f"/{ID}/answer", methods=("POST",))
    def answer_view(self, id: int) -> Response:
        return workflow_pages.answer(self, id)

    @expose(f"/{ID}/urge", methods=("POST",))
    def urge_view(self, id: int) -> Response:
        return workflow_pages.urge(self, id)

    @expose("/steps", methods=("GET", "POST"))
    def steps_view(self) -> str | Response | tuple[str, int]:
        return workflow_pages.bulk(self)

    @expose("/bin")
    def bin_view(self) -> str:
        return bin_pages.listed(self)

    @expose("/changes")
    def changes_view(self) -> str:
        return record_pages.changes(self)

    @expose("/debt")
    def debt_view(self) -> str:
        return debt_page.listed(self)

    @expose("/returns/")
    def returns_view(self) -> str:
        return returns_pages.listed(self)

    @expose(f"/returns/{ID}", methods=("GET", "POST"))
    def return_view(self, id: int) -> str | Response:
        if request.method == "POST":
            return return_page.act(self, id)
        return return_page.show(self, id)

    @expose("/returns/urge", methods=("POST",))
    def urge_returns_view(self) -> Response:
        return returns_pages.urge(self)

    @expose("/returns/export.<any(csv, xlsx):format>")
    def returns_export_view(self, format: str) -> Response:
        return returns_pages.exported(self, format)

    @expose("/import", methods=("GET", "POST"))
    def import_view(self) -> str | tuple[str, int]:
        return exchange.imported(self)

    @expose("/export.<any(csv, xlsx, jsonl):format>")
    def export_view(self, format: str) -> Response:
        return exchange.exported(self, format)

    @expose("/template.xlsx")
    def template_view(self) -> Response:
        return exchange.template(self)

    # ── people about a record

    @expose(f"/{ID}/comments", methods=("POST",))
    def comment_view(self, id: int) -> together_pages.Answer:
        return together_pages.say_something(self, id)

    @expose(f"/{ID}/comments/{NUMBER}", methods=("POST",))
    def mend_view(self, id: int, number: int) -> together_pages.Answer:
        return together_pages.mend(self, id, number)

    @expose(f"/{ID}/watch", methods=("POST",))
    def watch_view(self, id: int) -> together_pages.Answer:
        return together_pages.watch(self, id)

    @expose(f"/{ID}/orders", methods=("POST",))
    def order_view(self, id: int) -> together_pages.Answer:
        return together_pages.give_order(self, id)

    @expose(f"/{ID}/orders/{NUMBER}", methods=("POST",))
    def treat_view(self, id: int, number: int) -> together_pages.Answer:
        return together_pages.treat_order(self, id, number)

    # ── asked by the page's own scripts

    @expose(f"/{ID}/people")
    def people_view(self, id: int) -> Response:
        return together_pages.people(self, id)

    @expose("/draft", methods=("POST",))
    def draft_view(self) -> Response:
        return draft_pages.save(self)

    @expose("/check", methods=("POST",))
    def check(self) -> Response:
        return saving.check(self)

    @expose("/lookup/<field>")
    def lookup(self, field: str) -> Response:
        return lookups.lookup(self, field)

    @expose("/upload/<field>", methods=("POST",))
    def upload(self, field: str) -> Response | tuple[Response, int]:
        return files.upload(self, field)

    # ── drawing

    def page(self, template: str, **context: Any) -> str:
        """Return a page of this register in our own layout, not in Flask-Admin's."""
        return render_template(
            f"taizhang/{template}.html", title=self.register.title, root=self.root, **context
        )

    def crumbs(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        return [(self.register.title, self.root), *more]

    def record(self, id: int, *, deleted: bool = False) -> Record:
        """Return one record. Raises ``RecordNotFound``."""
        with desk.reading() as work:
            return records.get(work, self.register.slug, id, deleted=deleted)

    def name_of(self, record: Record) -> str:
        return record.label or _("No. {id}", id=record.id)
