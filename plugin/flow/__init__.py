"""The path of a join, from question to decision. Start with `admission`."""
