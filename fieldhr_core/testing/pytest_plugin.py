"""Lets pytest show what differed in the kit's assertions.

In the top ``conftest.py`` of your tests: ``pytest_plugins = ["fieldhr_core.testing.pytest_plugin"]``.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("fieldhr_core.testing.conformance")
