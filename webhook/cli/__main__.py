"""`python -m webhook.cli` is `vmconfig`."""

import sys

from webhook.cli import main

sys.exit(main())
