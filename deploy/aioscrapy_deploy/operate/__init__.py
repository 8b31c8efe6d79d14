"""The commands that operate Scrapyds: one file a command, `configure` its parser and `run` it."""
