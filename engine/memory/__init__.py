"""What the engine lived through, as patterns that can be recalled: by words, by likeness, with how they ended."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Before numpy is loaded: products here take a millisecond, and threads that wait for a busy core take tens."""
