"""A VM of a domain's XML: its frontend whole, references for its backend, and what cannot be carried."""
