"""``python -m fieldhr_core.cli``."""

import sys

from fieldhr_core.cli.dispatch import main

sys.exit(main())
