"""Searches: which points of a space are worth their trainings."""
