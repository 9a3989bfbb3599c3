"""How each conferencing platform asks and wants to be answered. Pure reading and writing."""
