"""Permissions in words: actions, whose rows, a grant, a reason; for pages and commands alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.definitions import permissions
from app.definitions.register import Condition, Grant, Register
from app.services.effects import FIELDS, Line
from app.services.explaining import Reason, Verdict
from app.services.intake import Held, PersonChange
from app.services.standing import Holding
from app.services.tree import Tree
from app.words import CHINESE, current_language, gettext

#: what may be done, in the order in which it is told
ACTIONS: Mapping[str, str] = {
    "see": "see", "create": "enter", "change": "change", "delete": "delete", "review": "check",
    "export": "export", "import": "import", "publish": "publish the definition",
    "reveal": "show a masked value whole", "whole": "see everything whole",
}  # fmt: skip
#: what may be done to the platform itself
POWERS: Mapping[str, str] = {
    "administer": "manage units, accounts and settings",
    "publish": "publish definitions",
    "grant": "manage roles and posts",
    "audit": "read the audit log",
}
ROWS: Mapping[str, str] = {
    permissions.ALL: "all records",
    permissions.OWN: "records entered by the person",
    permissions.OWN_UNIT: "records of the own unit",
    permissions.BELOW: "records of the own unit and the units below it",
    permissions.REFERRED: "records referred to the person or the unit",
    permissions.PAIRED: "records the person or the unit is paired with",
}
KINDS: Mapping[str, str] = {
    "bureau": "Bureau", "township": "Township or street", "department": "Department",
    "taskforce": "Task force", "enterprise": "Enterprise", "other": "Other unit",
}  # fmt: skip
POWER_NAMES: Mapping[str, str] = {
    "administrator": "undivided administrator", "system": "system administrator",
    "security": "security administrator", "audit": "audit administrator",
}  # fmt: skip


def listed(parts: Iterable[str]) -> str:
    """Return parts of a sentence with the comma of the language between them."""
    return ("、" if current_language() == CHINESE else ", ").join(parts)


def action(name: str) -> str:
    """Return what is done, in words."""
    if name == FIELDS:
        return gettext("fields shown")
    return gettext(ACTIONS.get(name) or POWERS[name])


def actions(may: Iterable[str]) -> str:
    wanted = set(may)
    return listed(gettext(text) for name, text in ACTIONS.items() if name in wanted)


def whose(register: Register, grant: Grant) -> str:
    """Return which rows a grant reaches: whose, in which state, under which condition."""
    parts = [listed(gettext(ROWS[name]) for name in grant.rows)]
    if grant.by and grant.by != permissions.SELF:
        parts.append(gettext("by {field}", field=register[grant.by].title))
    if grant.states:
        parts.append(gettext("in the state {states}", states=listed(grant.states)))
    parts += [condition(register, one) for one in grant.where]
    return "；".join(parts) if current_language() == CHINESE else "; ".join(parts)


def condition(register: Register, one: Condition) -> str:
    title = register[one.field].title if one.field in register else one.field
    if one.own:
        other = register[one.own].title
    elif one.field in register and one.operator != "in":
        other = register[one.field].kind.show(one.value)
    else:
        other = listed(str(v) for v in one.value) if one.operator == "in" else str(one.value)
    return f"{title} {one.operator} {other}"


def fields(register: Register, names: Iterable[str]) -> str:
    wanted = set(names)
    return listed(field.title for field in register.fields if field.name in wanted)


def narrowed(register: Register, grant: Grant) -> str:
    """Return what a grant leaves out of the fields, ``""`` when nothing."""
    parts = []
    if grant.see is not None:
        hidden = set(register.names) - grant.see
        parts.append(gettext("hides {fields}", fields=fields(register, hidden)))
    if grant.change is not None:
        parts.append(gettext("changes only {fields}", fields=fields(register, grant.change)))
    if grant.by_source:
        parts.append(gettext("changes only the fields it supplies"))
    return listed(parts)


def post(tree: Tree, roles: Mapping[str, str], holding: Holding) -> str:
    """Return a post: the role, the unit, and for whom it is held."""
    role = roles.get(holding.role, holding.role)
    if holding.deputy_for:
        text = "{role} in {unit}, standing in for {name}"
        return gettext(text, role=role, unit=tree.title(holding.unit), name=holding.deputy_for)
    return gettext("{role} in {unit}", role=role, unit=tree.title(holding.unit))


def reason(register: Register, tree: Tree, roles: Mapping[str, str], why: Reason) -> str:
    """Return a grant with the posts through which it reaches."""
    posts = listed(post(tree, roles, holding) for holding in why.holdings)
    return f"{posts} · {whose(register, why.grant)}"


def difference(line: Line) -> str:
    """Return one difference in effective access: "查看 0 行 → 84 行"."""
    said = action(line.action)
    if line.action == FIELDS or line.counted:
        unit = "{count} of the fields" if line.action == FIELDS else "{count} record rows"
        before = gettext(unit, count=f"{line.before:,}")
        return f"{said} {before} → {gettext(unit, count=f'{line.after:,}')}"
    states = gettext("no"), gettext("yes")
    return f"{said} {states[bool(line.before)]} → {states[bool(line.after)]}"


def person_changes(found: PersonChange) -> list[str]:
    """Return what an import makes of one person, a sentence for each thing."""
    said = [gettext("new account")] if found.new else []
    if found.renamed:
        said.append(gettext("name: {before} → {after}", before=found.before, after=found.after))
    for before, after in found.posts:
        if before is None:
            said.append(gettext("new post: {post}", post=held(after)))
        else:
            shown = {"before": held(before), "after": held(after)}
            said.append(gettext("post: {before} → {after}", **shown))
    return said


def held(post: Held) -> str:
    """Return a post with its days: "乡镇街道经办（石桥镇） · 经办 · 2024-01-01 – …"."""
    text = gettext("{role} in {unit}", role=post.role, unit=post.unit)
    days = f"{post.since} – {post.last or '…'}"
    return " · ".join(part for part in (text, post.title, days) if part)


def field_said(found: Verdict, field: str) -> str:
    """Return what becomes of one field."""
    if not found.allows("see") or field in found.hidden:
        return gettext("not shown")
    shown = gettext("shown masked") if field in found.masked else gettext("shown")
    changes = found.changeable is None or field in found.changeable
    return listed([shown, gettext("may be changed") if changes else gettext("read only")])
