"""MCP tools, a module a toolset: what agents can ask. The engine runs without them."""
