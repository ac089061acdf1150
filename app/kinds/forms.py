"""WTForms controls for kinds: they carry raw values and never judge them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import markupsafe
import wtforms
from wtforms import widgets
from wtforms.fields.choices import Choice as Option
from wtforms.fields.choices import SelectChoice

Unbound: TypeAlias = wtforms.fields.core.UnboundField


def control(
    name: str, label: str, hint: str = "", widget: widgets.Input | None = None, **attributes: Any
) -> Unbound:
    """Return a one-line control for the kind ``name``; ``attributes`` go into the tag.

    ``hint`` is escaped here, because Flask-Admin's own templates print it unescaped.
    """
    return wtforms.StringField(
        label,
        description=markupsafe.escape(hint),
        widget=widget or widgets.TextInput(),
        render_kw=tag(name, attributes),
    )


def area(name: str, label: str, hint: str = "") -> Unbound:
    """Return a control of several lines."""
    return wtforms.TextAreaField(
        label, description=markupsafe.escape(hint), render_kw=tag(name, {"rows": "4"})
    )


def select(name: str, label: str, hint: str, options: Iterable[tuple[str, str, bool]]) -> Unbound:
    """Return a drop-down of ``(value, label, retired)`` with an empty entry on top."""
    return KeepingSelect(
        label,
        description=markupsafe.escape(hint),
        choices=_choices([("", "", False), *options]),
        validate_choice=False,
        render_kw=tag(name, {}),
    )


def checkboxes(
    name: str,
    label: str,
    hint: str,
    options: Iterable[tuple[str, str, bool]],
    **attributes: Any,
) -> Unbound:
    """Return one checkbox per ``(value, label, retired)``; its data is a list."""
    return KeepingCheckboxes(
        label,
        description=markupsafe.escape(hint),
        choices=_choices(options),
        validate_choice=False,
        render_kw=tag(name, attributes),
    )


def tag(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return HTML attributes with the kind's name: ``max_mb`` becomes ``data-max-mb``."""
    named = {"data-kind": name, "autocomplete": "off"}
    for key, value in attributes.items():
        named[key if key in _HTML else "data-" + key.replace("_", "-")] = str(value)
    return named


_HTML = frozenset(["inputmode", "placeholder", "rows", "step", "spellcheck"])
_RETIRED = {"data-retired": "true"}


def _choices(options: Iterable[tuple[str, str, bool]]) -> list[SelectChoice]:
    return [SelectChoice(value, label, _RETIRED if old else {}) for value, label, old in options]


def kept(choices: list[Option], data: Iterable[str]) -> list[Option]:
    """Return the choices to offer: retired ones only where stored, stored ones in any case.

    Without this a browser would send nothing for a value that is no longer in the list.
    """
    shown = [choice for choice in choices if choice.selected or not choice.render_kw]
    listed = {choice.value for choice in shown}
    unknown = [value for value in data if value not in listed]
    return [*shown, *(Option(value, value, True, _RETIRED) for value in unknown)]


class KeepingSelect(wtforms.SelectField):
    """A drop-down that never loses a stored value which is no longer offered."""

    def iter_choices(self) -> list[Option]:
        return kept(wtforms.SelectField.iter_choices(self), [self.data] if self.data else [])


class KeepingCheckboxes(wtforms.SelectMultipleField):
    """Checkboxes that never lose a stored value which is no longer offered."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()

    def iter_choices(self) -> list[Option]:
        return kept(wtforms.SelectMultipleField.iter_choices(self), self.data or [])
