"""The only HTTP code: the service that an API server calls."""
