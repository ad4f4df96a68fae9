"""The built-in features: one folder each, written as a stranger would write them."""
