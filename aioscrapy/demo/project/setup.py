"""Build the egg of this project: `scrapyd-deploy local`."""

from setuptools import find_packages, setup

setup(
    name="quotes",
    version="1.0",
    packages=find_packages(),
    entry_points={
        "aioscrapy": ["settings = quotes.settings"],
        "scrapy": ["settings = quotes.settings"],
    },
)
