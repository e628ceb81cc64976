"""Other people's transcripts, each format read by one file into the same few values; nothing is lost without a word."""
