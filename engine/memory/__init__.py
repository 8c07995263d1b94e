"""What the engine lived through, as patterns that can be recalled: by words, by likeness, with how they ended."""
