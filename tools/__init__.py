"""MCP tools, a module a toolset. Empty until the MCP server is built: the engine runs without them."""
