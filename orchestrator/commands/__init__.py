"""The commands of ``orchestrator``, grouped by what a person wants of them."""
