"""Device evidence, one format a file. Pure appraisal."""
