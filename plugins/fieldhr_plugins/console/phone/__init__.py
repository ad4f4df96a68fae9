"""The phone page: one tap checks in, with a signal or without."""
