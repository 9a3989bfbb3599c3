"""Verification of signed tokens. Pure: keys, expectations and the moment come in, claims or Refused come out."""
