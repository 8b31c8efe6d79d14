"""An example project: jobs that share one crawl of the demo site."""
