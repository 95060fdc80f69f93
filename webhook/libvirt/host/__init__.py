"""The facts of one host: how they are written down, found out, and made the backend of a VM that starts there."""
