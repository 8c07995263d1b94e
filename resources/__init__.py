"""MCP resources and prompts: what agents can read and subscribe to. The engine runs without them."""
