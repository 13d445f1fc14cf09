"""The secrets of meters: where they are kept, what an association needs of them, and what guessing costs."""
