"""What is kept between commands: runs and results, in one embedded database."""
