"""Self-diagnosis: many small questions, each with the name of what is wrong, its cause and the next step."""
