"""Boards with live data on one page, to be judged before Grafana is there; reads the JSON that is shipped."""
