"""One Scrapyd over HTTP: its client, its data as plain models, the logins for it."""
