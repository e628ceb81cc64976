"""What can go wrong between a client and the API, made to happen on demand: on which request, where in its reply."""
