"""The plain network of one architecture, and where its weights come from."""
