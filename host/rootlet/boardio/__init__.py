"""Boards, their ports, and the programs that reach them."""
