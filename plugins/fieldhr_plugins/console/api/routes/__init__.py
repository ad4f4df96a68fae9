"""Routes of the interface, one module a subject."""
