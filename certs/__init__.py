"""Certificates of the webhook: own CA and leaf, rotation, where they are kept, reload without a restart.

Stands alone: imports nothing else of this repository.
"""
