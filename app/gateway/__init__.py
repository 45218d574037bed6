"""The door for customers' traffic: forwards every request untouched and copies it aside."""
