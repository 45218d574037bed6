"""The outside world, made up for a first look: a model API and its clients. Nothing here is real traffic."""
