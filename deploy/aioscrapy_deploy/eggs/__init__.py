"""What an egg is: its zip file, its EGG-INFO, its versions. Needs the standard library and packaging only."""
