"""What a person types and reads: option types, tables, messages, the bar of an upload."""
