"""The knowledge graph: what agents wrote and what the market showed, in SQLite."""
