"""Alembic's scripts that bring any released schema to the newest."""
