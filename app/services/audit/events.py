"""Every event the audit log knows: its title, and the sentence that follows the person's name.

The one place to declare another. A sentence is filled with the entry's detail; what a detail
does not say is shown as a dash. Titles and sentences are translated like everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """What may happen. ``told`` follows the name of who did it."""

    title: str
    told: str


EVENTS: Mapping[str, Event] = {
    "sign_in.ok": Event("Sign-in", "{who} signed in."),
    "sign_in.refused": Event("Sign-in refused", "A sign-in was refused: {login}."),
    "sign_out": Event("Sign-out", "{who} signed out."),
    "password.changed": Event("Password changed", "{who} changed the password of {login}."),
    "password.set": Event("Password set anew", "{who} gave {login} a new password."),
    "password.refused": Event(
        "Password change refused", "{who} gave a wrong present password when changing it."
    ),
    "account.created": Event("Account created", "{who} created the account {login}."),
    "account.changed": Event("Account changed", "{who} changed the account {login}: {action}."),
    "account.disabled": Event("Account closed", "{who} closed the account {login}."),
    "account.locked": Event(
        "Account locked", "The account {login} was locked after too many failures."
    ),
    "address.blocked": Event(
        "Address barred",
        "The address {address} was barred: {count} sign-ins failed in {minutes} minutes.",
    ),
    "account.unlocked": Event("Account unlocked", "{who} unlocked the account {login}."),
    "access.refused": Event(
        "Access refused", "{who} was refused: {action} ({method} {path})."
    ),
    "request.forged": Event(
        "Request refused", "A request that did not come from a page of ours was refused: {path}."
    ),
    "role.changed": Event("Role changed", "{who} changed the role {title}: {change}."),
    "permission.changed": Event(
        "Permission changed", "{who} changed the permissions of {title}: {change}."
    ),
    "unit.changed": Event("Unit changed", "{who} changed the unit {title}: {change}."),
    "register.published": Event(
        "Register published", "{who} published revision {revision} of {title}."
    ),
    "export.made": Event("Export", "{who} exported {count} rows of {title} as {format}."),
    "import.made": Event(
        "Import", "{who} imported into {title}: {created} new, {changed} changed."
    ),
    "import.refused": Event(
        "Import refused", "{who} tried to import into {title}: {faulty} rows had mistakes."
    ),
    "value.revealed": Event("Value shown whole", "{who} looked at {field} of {title} whole."),
    "task.handed": Event(
        "Task handed over", "{who} handed the task about {title} over to {whom}: {reason}"
    ),
    "task.released": Event(
        "Task put back", "The task about {title} that {whom} had taken waits for all again."
    ),
    "setting.changed": Event("Setting changed", "{who} changed the setting {title}: {change}."),
    "audit.read": Event("Audit log read", "{who} read the audit log: {query}."),
    "audit.exported": Event(
        "Audit log exported", "{who} exported {count} audit entries as {format}."
    ),
    "purge.done": Event(
        "Audit log shortened", "{who} took out {rows} entries up to number {last} of {until}."
    ),
    "backup.made": Event("Backup", "{who} made a backup: {rows} rows of {tables} tables."),
    "restore.done": Event("Restore", "{who} restored a backup: {rows} rows of {tables} tables."),
    "audit.broken": Event("Audit log not whole", "The audit log is not whole: {reason}"),
    "alarm.raised": Event("Alarm", "Alarm: {title}: {subject} {count} in {minutes} minutes."),
    "clock.apart": Event(
        "Clocks apart",
        "The clocks of the application and of the database are {seconds} seconds apart.",
    ),
    "clock.skew": Event(
        "Clock moved back", "The clock stands {seconds} seconds before the entry before."
    ),
}  # fmt: skip
