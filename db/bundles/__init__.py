"""Bundles: a database, or some of its sweeps, as files that travel, and their way into another database.

    database ──export──▶ bundle (SQLite file | directory of Parquet files) ──import──▶ another database, of either kind

The SQLite form is a database like any other, with its manifest in a table of its own. Everything is made and checked in
that form: Parquet files are written from it, and read back into it.

* ``exporting`` copies the chosen rows in one snapshot (``selection`` says which) and seals them;
* ``opening`` checks a bundle and upgrades an older one, on a copy;
* ``merging`` brings its rows into a database, in one transaction (``job_merging``: what becomes of known jobs).
"""
