"""The declarations of libvirt's domain: one file an element or a family of them, and nothing but declarations."""

from webhook.domain.domain import Domain, domain_shape

__all__ = ["Domain", "domain_shape"]
