"""Rows of panels, one file for each question; a board is a choice of them."""
