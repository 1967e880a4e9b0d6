"""What a component is built from, a module a world. Imported by componentize-py only, never by plugins."""
