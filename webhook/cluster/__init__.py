"""The cluster as the service sees it and speaks to it, all of it off the path of a request."""
