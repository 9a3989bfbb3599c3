"""Tools of the house: for those who work on the code, never installed with it."""
