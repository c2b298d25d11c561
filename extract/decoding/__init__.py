"""Decoding under constraints: what a network saw at each step, read as an answer that a form can hold."""
