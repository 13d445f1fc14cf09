"""Push: what a meter sends unasked, when, how it is protected, and where to."""
