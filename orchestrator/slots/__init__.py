"""Slots: worker processes behind Ray actors."""
