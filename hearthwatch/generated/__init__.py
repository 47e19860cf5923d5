"""Files made from code and committed: JSON Schemas, pages about profiles and life cycles."""
