"""Definitions: the language of registers, what a file means and what is wrong with it."""
