"""Rule documents: the keys that every rule has, their parsers, and the conditions a rule may state.

Nothing here knows a kind of rule; `rules.definition` chooses the kind and reads a whole document.
"""
