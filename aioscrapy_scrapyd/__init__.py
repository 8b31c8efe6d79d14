"""Everything that runs beside Scrapyd: `job/` runs in a job's process, the modules here in the daemon's."""
