"""The jobs of a node as plain data, and the file that keeps them; knows neither Twisted nor Scrapyd."""
