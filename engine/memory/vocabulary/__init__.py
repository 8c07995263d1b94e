"""What people call things: literal tables, phrase -> words of a column. `lexicon.py` makes one of them."""
