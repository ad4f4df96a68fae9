"""Means for whoever takes records in from other systems: cells, fields, records of rows, and a fenced exchange."""
