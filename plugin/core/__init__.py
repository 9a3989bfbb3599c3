"""The words of the field. Pure, standard library only: no I/O, no clock, no async, no logging."""
