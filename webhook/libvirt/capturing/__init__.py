"""What a running domain's XML adds to its VM: the places and identities that libvirt chose."""
