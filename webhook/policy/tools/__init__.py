"""What whoever writes policies looks at them with: explanation, difference, suites, schema, reports, reference."""
