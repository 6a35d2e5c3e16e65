"""From the catalogue to files: Grafana boards, their provisioning, and an example scrape configuration."""
