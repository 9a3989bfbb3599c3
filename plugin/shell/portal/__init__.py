"""The pages on which people enrol their devices."""
