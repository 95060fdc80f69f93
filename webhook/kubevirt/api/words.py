"""What is said of refused fields of KubeVirt's API: messages.yaml, in the form of the policy engine's own."""

from pathlib import Path

MESSAGES = Path(__file__).parent / "messages.yaml"
