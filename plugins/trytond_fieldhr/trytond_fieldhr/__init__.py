# Copyright (C) the fieldhr authors. Licensed under the GPL-3.0-or-later, see LICENSE.
"""Tryton module ``fieldhr``: check-ins judged in Tryton's own transaction."""
