"""Peers on the network that are no boards: endpoints to look at, files to fetch."""
