"""The Chinese catalogue: collected from ``*.zh.json`` by ``make words``."""
