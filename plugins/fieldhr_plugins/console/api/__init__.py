"""The HTTP interface: the desk, as JSON."""
