"""Files in and out: csv, xlsx, jsonl."""
