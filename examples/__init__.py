"""Consumers of the topic `profiles`, to be run as they are and to begin from."""
