"""MCP resources and prompts. Empty until the MCP server is built: the engine runs without them."""
