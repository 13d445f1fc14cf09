"""KMP: registers, loggers and commands of the meter as Kamstrup's own protocol gives them; README.md says what is
documented.
"""
