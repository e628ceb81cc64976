"""What is done with judges themselves."""
