"""Files made from code and committed: JSON Schemas of configuration files, pages about profiles."""
