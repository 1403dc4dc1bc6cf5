"""The command line, the sweep file, planning, scheduling."""
