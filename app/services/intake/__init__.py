"""Units, people and pairings from a worksheet or csv: checked row by row, all stored or none."""

from app.services.intake.pairings import import_pairings
from app.services.intake.people import Held, PeopleReport, PersonChange, import_people
from app.services.intake.sheet import columns_of, read_sheet
from app.services.intake.units import import_units

__all__ = [
    "Held",
    "PeopleReport",
    "PersonChange",
    "columns_of",
    "import_pairings",
    "import_people",
    "import_units",
    "read_sheet",
]
