"""Synthetic tenants with an answer key, and the marking of the product against it. Everything here is simulated."""
