"""Recording rules, alerts and objectives, from the catalogue to files that Prometheus loads."""
