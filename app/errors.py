"""Every refusal the platform can make: what was wrong, with which value, and the way out.

A sentence is kept apart from its values: ``text`` is the English sentence and the key of
the translation catalogue, a face translates it first and fills the values in afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at one place.

    ``at`` is a JSON Pointer into what was judged (``/revenue``, ``/visits/2/date``, or a
    definition's ``/properties/revenue/scale``). ``code`` names the rule that found it and
    never changes. ``fields`` are the fields the verdict depends on: a stored problem is
    let pass when none of them is being changed.
    """

    at: str
    code: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    severity: str = "error"
    #: the sentence is the definition's own (a rule's message): shown as written, not translated
    verbatim: bool = False

    @property
    def name(self) -> str:
        """Return the first part of the pointer: the field's name, or ``""`` for the whole."""
        parts = self.at.split("/")
        return parts[1] if len(parts) > 1 else ""

    def sentence(self) -> str:
        """Return the English sentence with its values."""
        return self.text if self.verbatim else fill(self.text, self.values)

    def __str__(self) -> str:
        return self.sentence()


def because(text: str, /, **values: Any) -> Problem:
    """Return a reason inside a refusal: a sentence of its own, translated with the refusal."""
    return Problem("", "reason", text, values)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Put ``values`` into the ``{places}`` of ``text``; an unknown place stays as it is."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


class AppError(Exception):
    """A refusal. ``code`` is part of the API; ``status`` is what the web answers."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 422
    text: ClassVar[str] = "This cannot be done."

    def __init__(self, problems: Iterable[Problem] = (), **values: Any) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.values = values
        super().__init__(fill(self.text, values))

    def sentence(self) -> str:
        """Return the English sentence with its values."""
        return fill(self.text, self.values)


class RecordRefused(AppError):
    """The gate found mistakes; ``problems`` holds all of them."""

    code = "record.refused"
    text = "The record was not saved: {count} entries need correcting."


class NeedsConfirmation(AppError):
    """Only warnings stand in the way; saving again with their codes confirmed goes through."""

    code = "record.needs_confirmation"
    status = 409
    text = "Please confirm {count} unusual entries, or correct them."


class RecordMoved(AppError):
    """Somebody else saved the record after it was opened."""

    code = "record.moved"
    status = 409
    text = (
        "Record {id} was saved by {who} while you were editing it (version {current}, yours is "
        "{version}). Nothing was overwritten: compare the two and save again."
    )


class RecordNotFound(AppError):
    code = "record.not_found"
    status = 404
    text = "There is no record {id} in {register}."


class RecordInUse(AppError):
    """Other records refer to the one being deleted."""

    code = "record.in_use"
    status = 409
    text = "{count} records of {register} refer to this one. Change or delete them first."


class RegisterNotFound(AppError):
    code = "register.not_found"
    status = 404
    text = "There is no register {slug}."


class RevisionNotFound(AppError):
    code = "revision.not_found"
    status = 404
    text = "Register {slug} has no revision {revision}."


class DefinitionRefused(AppError):
    """The definition cannot be published; ``problems`` point into it."""

    code = "definition.refused"
    text = "The definition has {count} mistakes and was not published."


class PlanOutdated(AppError):
    code = "plan.outdated"
    status = 409
    text = (
        "Register {slug} was published again after this plan was made. Make a new plan and "
        "read it before publishing."
    )


class PlanNeedsConfirmation(AppError):
    code = "plan.needs_confirmation"
    status = 409
    text = "This publication needs a confirmation ({count}): {reasons}"


class PlanRefused(AppError):
    """Stored rows stand in the way of a step, e.g. duplicates under a new unique field."""

    code = "plan.refused"
    status = 409
    text = "This cannot be published yet ({count}): {reasons}"


class SubmissionReused(AppError):
    code = "submission.reused"
    status = 422
    text = "This form was already sent with other values. Open a new form to enter another record."


class NotAllowed(AppError):
    code = "access.denied"
    status = 403
    text = "You may not {action} here."


class FileRefused(AppError):
    """A file cannot be read or is more than may be read."""

    code = "file.refused"
    text = "The file was not read: {reason}"


class ImportRefused(AppError):
    """Nothing was stored; ``problems`` point into the sheet: ``/148/revenue`` is row 148."""

    code = "import.refused"
    text = "Nothing was imported: {count} rows have mistakes, the first is row {first}."


class QueryRefused(AppError):
    code = "query.refused"
    status = 400
    text = "The list cannot be shown: {reason}"


class SettingRefused(AppError):
    """A setting is missing or wrong; the sentence names it."""

    code = "setting.refused"
    text = "The setting {name} {reason}"


class Collision(AppError):
    """An index refused what the gate had let pass: somebody else stored it in between."""

    code = "record.collision"
    status = 409
    text = (
        "Somebody else saved the same value a moment ago. Nothing of yours was stored: save again "
        "to see which record it is."
    )


class SumTooLong(AppError):
    """A roll-up left what a number can hold; nothing of the save is stored."""

    code = "number.too_long"
    text = (
        "A sum that counts this record would grow longer than {digits} digits. Nothing was stored: "
        "correct the number that is too large."
    )


class DatabaseGone(AppError):
    """The connection broke: what was being saved may or may not have arrived."""

    code = "database.gone"
    status = 503
    text = (
        "The connection to the database was lost. Please try again in a moment: a form that is "
        "sent again is never stored twice."
    )


class NotPrepared(AppError):
    code = "database.not_prepared"
    status = 503
    text = "The database has no tables yet, or they are of an older version. Run: flask db upgrade"


class DiskFailed(AppError):
    code = "database.disk"
    status = 503
    text = (
        "The database cannot write to its disk, which may be full. Nothing was changed; please "
        "tell the administrator."
    )


class Busy(AppError):
    code = "busy"
    status = 503
    text = "The database was busy for {seconds} seconds. Nothing was changed; please try again."
