"""libvirt's XML of a domain, both ways, by the declarations' places."""
