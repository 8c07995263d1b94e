"""Files, configuration and documents under declared roots: read without a way out, weighed, explained, proposed for."""
