"""What protects people and records: working time and fence, keys and sealed values, audit chain, scope, retention.

Primitives only: pure functions, values, and objects that get their connection, tables, keys and clock from outside.
"""
