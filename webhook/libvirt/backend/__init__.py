"""The conventional backend: what libvirt needs of a host where nobody has said how the host is."""
