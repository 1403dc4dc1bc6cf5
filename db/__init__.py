"""The results database: tables, migrations, views, statements, fronts."""
