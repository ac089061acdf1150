"""Files in and out: import csv and xlsx, export csv, xlsx and jsonl."""

from app.services.exchange.exporting import FORMATS, export
from app.services.exchange.importing import SKIP, STOP, format_of, import_file
from app.services.exchange.matching import MODES
from app.services.exchange.noting import note_export, note_stopped
from app.services.exchange.report import ImportReport, ImportStopped, Refusal, write_report
from app.services.exchange.writers import file_name

__all__ = [
    "FORMATS", "MODES", "SKIP", "STOP",
    "ImportReport", "ImportStopped", "Refusal",
    "export", "file_name", "format_of", "import_file", "note_export", "note_stopped",
    "write_report",
]  # fmt: skip
