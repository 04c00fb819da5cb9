"""Settings schema, shipped defaults, texts and prompts, the error taxonomy, masking. The lowest floor."""
