"""``fieldhr trial open``: a synthetic house one can walk through, with its clock and dials on a page."""
