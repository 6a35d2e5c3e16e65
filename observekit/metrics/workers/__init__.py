"""Many processes of one service, one truth: each keeps a file of its own, whoever is scraped adds up all."""
