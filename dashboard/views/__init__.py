"""Pages of the dashboard, and what several of them share."""
