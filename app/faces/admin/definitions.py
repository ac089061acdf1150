"""Definition pages: read, check, plan, publish, compare and go back, for administrators."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.errors import (
    AppError,
    DefinitionRefused,
    FileRefused,
    PlanNeedsConfirmation,
    Problem,
)
from app.faces.admin import addresses, desk
from app.faces.admin.planned import planned, worded
from app.services import access, publishing
from app.services.seeding import parse_definition
from app.words import gettext as _
from app.words import say

Answer = str | Response | tuple[str, int]
#: characters of a text that is looked at at all; a definition's own limit is stated in bytes
LONGEST = 300 * 1024


def blueprint() -> Blueprint:
    """Return the addresses under ``/definitions``."""
    made = Blueprint("definitions", __name__, url_prefix="/definitions")
    made.before_request(allowed)
    made.add_url_rule("/", "index", index)
    made.add_url_rule("/new", "new", new, methods=("GET", "POST"))
    made.add_url_rule("/<name>/", "show", show)
    made.add_url_rule("/<name>/edit", "edit", edit, methods=("GET", "POST"))
    made.add_url_rule("/<name>/compare", "compare", compare)
    made.add_url_rule("/<name>/definition.json", "download", download)
    return made


def allowed() -> None:
    """Refuse whoever may not publish. Raises ``NotAllowed``."""
    with desk.reading() as work:
        access.require(work, "publish")


def index() -> str:
    """Return every register with its revision."""
    with desk.reading() as work:
        rows = [
            {
                "title": entry.title,
                "slug": entry.slug,
                "category": title,
                "revision": entry.revision,
                "url": url_for("definitions.show", name=entry.slug),
            }
            for title, entries in work.snapshot.menu()
            for entry in entries
        ]
    return render_template(
        "taizhang/definitions/index.html", rows=rows, new_url=url_for("definitions.new"),
        crumbs=[(_("Definitions"), "")],
    )  # fmt: skip


def new() -> Answer:
    """Paste or upload a definition, read its plan, publish it."""
    heading = _("Publish a definition")
    if request.method == "POST":
        return worked(heading, url_for("definitions.new"), url_for("definitions.index"))
    return page(heading, url_for("definitions.new"), url_for("definitions.index"), "")


def edit(name: str) -> Answer:
    """Change a register's definition, from the current revision or from an earlier one."""
    here, back = url_for("definitions.edit", name=name), url_for("definitions.show", name=name)
    with desk.reading() as work:
        title = work.register(name).title
        heading = _("Change the definition of {register}", register=title)
        if request.method != "POST":
            document = publishing.document(work, name, revision_of("revision", ""))
            return page(heading, here, back, written(document))
    return worked(heading, here, back)


def worked(heading: str, here: str, back: str) -> Answer:
    """Plan the document that was sent, or publish it as planned."""
    text = sent_text()
    try:
        if len(text) > LONGEST:
            raise FileRefused(reason=_("It is longer than {count} characters.", count=LONGEST))
        document = parse_definition(text, _("The definition"))
        if not isinstance(document, dict):
            raise FileRefused(reason=_("A definition is a JSON object: it begins with a brace."))
        if request.form.get("do") == "publish":
            return published(document)
        with desk.reading() as work:
            plan = planned(publishing.plan(work, document))
    except DefinitionRefused as refused:
        return page(heading, here, back, text, refusal=say(refused), problems=refused.problems), 422
    except PlanNeedsConfirmation as asked:
        return again(heading, here, back, text, document, asked)
    except AppError as error:
        return page(
            heading, here, back, text, refusal=say(error), problems=error.problems
        ), error.status
    return page(heading, here, back, text, plan=plan)


def again(
    heading: str, here: str, back: str, text: str, document: dict[str, Any], error: AppError
) -> Answer:
    """Show the plan once more, with what stands in the way of it."""
    with desk.reading() as work:
        plan = planned(publishing.plan(work, document))
    return page(heading, here, back, text, refusal=say(error), plan=plan), error.status


def published(document: dict[str, Any]) -> Response:
    """Publish what was planned and go to its page."""
    base = request.form.get("base_hash", "")
    with desk.writing(publishing=True) as work:
        made = publishing.publish(
            work, document, base_hash=base, confirmed=bool(request.form.get("confirmed"))
        )
    flash(
        _(
            "Revision {revision} of {register} is published.",
            revision=made.revision,
            register=made.register.title,
        ),
        "success",
    )
    return redirect(url_for("definitions.show", name=made.slug))


def sent_text() -> str:
    """Return the document of the text box, or of the file where the browser runs no scripts."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return file.stream.read(4 * LONGEST).decode("utf-8-sig", "replace")
    return request.form.get("document", "").replace("\r\n", "\n").removeprefix("\n")


def page(heading: str, here: str, back: str, text: str, **said: Any) -> str:
    """Return the editor; ``said``: what is wrong (``refusal``, ``problems``), or the ``plan``."""
    problems: tuple[Problem, ...] = said.get("problems", ())
    plan: dict[str, Any] | None = said.get("plan")
    return render_template(
        "taizhang/definitions/edit.html", heading=heading, action=here, back=back, document=text,
        refusal=said.get("refusal", ""), plan=plan, stage=2 if plan else 1,
        problems=[{"at": p.at or "/", "text": say(p)} for p in problems],
        crumbs=[(_("Definitions"), url_for("definitions.index")), (heading, "")],
    )  # fmt: skip


def show(name: str) -> str:
    """Return one revision, the list of all, and what its fields are."""
    with desk.reading() as work:
        register = work.register(name)
        listed = publishing.revisions(work, name)
        wanted = revision_of("revision", "") or listed[0].revision
        document = publishing.document(work, name, wanted)
        current = wanted == listed[0].revision
    return render_template(
        "taizhang/definitions/show.html", title=register.title, slug=name, revision=wanted,
        current=current, document=written(document), fields=[noted(f) for f in register.fields],
        revisions=[line(one, wanted, listed[0].revision) for one in listed],
        register_url=url_for("register.index_view", slug=name),
        download_url=url_for("definitions.download", name=name, revision=wanted),
        edit_url=url_for("definitions.edit", name=name, revision=wanted),
        compare_url=url_for("definitions.compare", name=name),
        crumbs=[(_("Definitions"), url_for("definitions.index")), (register.title, "")],
    )  # fmt: skip


def line(one: publishing.Revision, shown: int, current: int) -> dict[str, Any]:
    return {
        "revision": one.revision,
        "when": desk.moment(one.at),
        "who": desk.person(one.who),
        "shown": one.revision == shown,
        "current": one.revision == current,
        "url": url_for("definitions.show", name=one.slug, revision=one.revision),
    }


def noted(field: Any) -> dict[str, Any]:
    """Return what a table of fields says of one."""
    marks = {
        "required": field.required, "unique": field.unique, "computed": bool(field.computed),
        "looked up": bool(field.lookup), "gathered": bool(field.rollup),
        "shown only sometimes": bool(field.visible),
    }  # fmt: skip
    notes = [_(text) for text, on in marks.items() if on]
    return {
        "title": field.title, "name": field.name, "unit": field.unit,
        "kind": _(field.kind.name), "notes": notes,
    }  # fmt: skip


def compare(name: str) -> str:
    """Return two revisions compared, in words."""
    a, b = revision_of("a", "1") or 1, revision_of("b", "1") or 1
    with desk.reading() as work:
        title = work.register(name).title
        differences = publishing.compare(work, name, a, b)
    return render_template(
        "taizhang/definitions/compare.html", a=a, b=b, title=title,
        sentences=[{"text": worded(d.text, d.values), "at": d.name} for d in differences],
        back=url_for("definitions.show", name=name),
        crumbs=[
            (_("Definitions"), url_for("definitions.index")),
            (title, url_for("definitions.show", name=name)), (_("Compare"), ""),
        ],
    )  # fmt: skip


def download(name: str) -> Response:
    """Send a revision's document as a file."""
    with desk.reading() as work:
        document = publishing.document(work, name, revision_of("revision", ""))
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(written(document) + "\n", mimetype="application/json", headers=headers)


def written(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=str)


def revision_of(parameter: str, default: str) -> int | None:
    """Return a revision named in the address, None for no such parameter."""
    text = request.args.get(parameter, default)
    if text == "":
        return None
    revision = addresses.digits(text, 9)
    if revision is None:
        raise addresses.refuse("{name} is not a revision.", name=text[:60])
    return revision
